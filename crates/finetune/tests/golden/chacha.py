"""The dropout mask and ChaCha8 as fused's golden writes them out."""

import importlib.util
import sys
from pathlib import Path

sys.dont_write_bytecode = True
PATH = Path(__file__).parents[3] / "fused/tests/golden/dropout_mask/generate.py"
SPEC = importlib.util.spec_from_file_location("dropout_mask", PATH)
dropout_mask = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(dropout_mask)
