//! noisytune-burn
