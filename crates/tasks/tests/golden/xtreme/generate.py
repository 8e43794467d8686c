"""Makes small files of XNLI and PAWS-X, as their archives, XTREME's download and the hub lay them out.

Run in an environment with pyarrow: python3 generate.py

  archives/      XNLI-1.0, XNLI-MT-1.0 and x-final
  download/      what XTREME's `utils_preprocess.py` makes of them: written by Python's `csv`, no labels in test files
  hub/           the same rows as Parquet files: facebook/xnli as `xnli`, google-research-datasets/paws-x as `paws-x`, and
                 google/xtreme as `xtreme`
  expected.json  the rows of every set: both sentences and the label, a position in the hub's order

Every sentence is invented.
"""

import csv
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent

SENTENCES = {
    "ar": ["تغادر العبارة القديمة عند الظهر.", "العبارة لا تغادر اليوم.", 'قالت "انتظر" وأغلقت الباب.'],
    "bg": ["Старият ферибот тръгва по обед.", "Фериботът не тръгва днес.", 'Тя каза "чакай" и затвори вратата.'],
    "de": ["Die alte Fähre legt mittags ab.", "Die Fähre legt heute nicht ab.", 'Sie sagte "warte" und schloss die Tür.'],
    "el": ["Το παλιό πλοίο φεύγει το μεσημέρι.", "Το πλοίο δεν φεύγει σήμερα.", 'Είπε "περίμενε" και έκλεισε την πόρτα.'],
    "en": ["The old ferry leaves at noon.", "The ferry does not leave today.", 'She said "wait" and closed the door.'],
    "es": ["El viejo transbordador sale al mediodía.", "El transbordador no sale hoy.", 'Dijo "espera" y cerró la puerta.'],
    "fr": ["Le vieux bac part à midi.", "Le bac ne part pas aujourd'hui.", 'Elle a dit "attends" et a fermé la porte.'],
    "hi": ["पुरानी नाव दोपहर को निकलती है।", "नाव आज नहीं निकलेगी।", 'उसने "रुको" कहा और दरवाज़ा बंद कर दिया।'],
    "ja": ["古い渡し船は正午に出る。", "今日は渡し船は出ない。", '彼女は"待って"と言ってドアを閉めた。'],
    "ko": ["낡은 나룻배는 정오에 떠난다.", "오늘은 배가 떠나지 않는다.", '그녀는 "기다려"라고 말하고 문을 닫았다.'],
    "ru": ["Старый паром уходит в полдень.", "Паром сегодня не уходит.", 'Она сказала "подожди" и закрыла дверь.'],
    "sw": ["Kivuko cha zamani kinaondoka saa sita mchana.", "Kivuko hakiondoki leo.", 'Alisema "subiri" na kufunga mlango.'],
    "th": ["เรือข้ามฟากเก่าออกตอนเที่ยง", "วันนี้เรือไม่ออก", 'เธอพูดว่า "รอ" แล้วปิดประตู'],
    "tr": ["Eski feribot öğlen kalkıyor.", "Feribot bugün kalkmıyor.", '"Bekle" dedi ve kapıyı kapattı.'],
    "ur": ["پرانی کشتی دوپہر کو روانہ ہوتی ہے۔", "کشتی آج روانہ نہیں ہوگی۔", 'اس نے "رکو" کہا اور دروازہ بند کر دیا۔'],
    "vi": ["Chiếc phà cũ rời bến lúc trưa.", "Hôm nay phà không chạy.", 'Cô ấy nói "đợi đã" rồi đóng cửa.'],
    "zh": ["旧渡轮中午出发。", "渡轮今天不开。", '她说"等等"然后关上了门。'],
}
XNLI = "ar bg de el en es fr hi ru sw th tr ur vi zh".split()
PAWSX = "de en es fr ja ko zh".split()
NLI = ["entailment", "neutral", "contradiction"]
COUNTS = {"train": 12, "dev": 6, "test": 5}
HUB = {"train": "train", "dev": "validation", "test": "test"}
XNLI_COLUMNS = (
    "language gold_label sentence1_binary_parse sentence2_binary_parse sentence1_parse sentence2_parse sentence1 sentence2 promptID "
    "pairID genre label1 label2 label3 label4 label5 sentence1_tokenized sentence2_tokenized match"
).split()


def rows(language, portion, classes):
    """Both sentences and the label's position; numbers make every sentence of a language different."""
    texts = SENTENCES[language]
    base = {"train": 100, "dev": 200, "test": 300}[portion]
    # A quote alone, and one that nothing closes.
    ends = ["", ' 5"', "", ' "', ""]
    return [
        (f"{texts[at % 3]} {base + at}{ends[at % 5]}", f"{texts[(at // 2) % 3]} {base + 50 + at}", (at * 7 // 3) % classes)
        for at in range(COUNTS[portion])
    ]


def lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")


def by_csv(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t").writerows(rows)


def parquet(path, columns, names=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    if names:
        info = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
    pq.write_table(table, path, compression="snappy")


def columns(rows, first, second, label, words=None):
    ones, twos, labels = zip(*rows)
    labels = [words[x] for x in labels] if words else list(labels)
    return {first: list(ones), second: list(twos), label: labels}


def xnli(expected):
    train = rows("en", "train", 3)
    expected["train"] = train
    words = ["entailment", "neutral", "contradictory"]
    archive = HERE / "archives/XNLI-MT-1.0/multinli/multinli.train.en.tsv"
    lines(archive, [["premise", "hypo", "label"]] + [[a, b, words[x]] for a, b, x in train])
    by_csv(HERE / "download/xnli/train-en.tsv", [[a, b, NLI[x]] for a, b, x in train])
    parquet(HERE / "hub/xnli/en/train-00000-of-00001.parquet", columns(train, "premise", "hypothesis", "label"), NLI)
    for portion in ["dev", "test"]:
        raw, everything = [XNLI_COLUMNS], []
        for language in XNLI:
            own = rows(language, portion, 3)
            expected[f"{portion}-{language}"] = own
            for at, (a, b, x) in enumerate(own):
                # Trees exist only for English, and some have quotes.
                tree = '( a " tree )' if language == "en" else ""
                row = [language, NLI[x], tree, tree, tree, tree, a, b, str(at // 3 + 1), str(at + 1), "ferries"]
                raw.append(row + [NLI[x]] * 5 + [a.lower(), b.lower(), "True"])
                everything.append((language, NLI[x], a, b))
            pairs = [[a, b] if portion == "test" else [a, b, NLI[x]] for a, b, x in own]
            by_csv(HERE / f"download/xnli/{portion}-{language}.tsv", pairs)
            file = f"{language}/{HUB[portion]}-00000-of-00001.parquet"
            parquet(HERE / "hub/xnli" / file, columns(own, "premise", "hypothesis", "label"), NLI)
        lines(HERE / f"archives/XNLI-1.0/xnli.{portion}.tsv", raw)
        named = dict(zip(["language", "gold_label", "sentence1", "sentence2"], map(list, zip(*everything))))
        parquet(HERE / f"hub/xtreme/XNLI/{HUB[portion]}-00000-of-00001.parquet", named)


def pawsx(expected):
    for language in PAWSX:
        for portion in ["train", "dev", "test"]:
            if portion == "train" and language != "en":
                continue
            whole = rows(language, portion, 2)
            expected["train" if portion == "train" else f"{portion}-{language}"] = whole
            written = list(whole)
            if language != "en":
                written.insert(2, ("NS", whole[0][1], 1))
                written.insert(4, (whole[1][0], "", 0))
            name = {"train": "train", "dev": "dev_2k", "test": "test_2k"}[portion]
            numbered = [[str(at + 1), a, b, str(x)] for at, (a, b, x) in enumerate(written)]
            lines(HERE / f"archives/x-final/{language}/{name}.tsv", [["id", "sentence1", "sentence2", "label"]] + numbered)
            pairs = [[a, b] if portion == "test" else [a, b, str(x)] for a, b, x in written]
            by_csv(HERE / f"download/pawsx/{portion}-{language}.tsv", pairs)
            file = f"{HUB[portion]}-00000-of-00001.parquet"
            own = columns(written, "sentence1", "sentence2", "label")
            parquet(HERE / f"hub/paws-x/{language}/{file}", {"id": pa.array(range(len(written)), pa.int32()), **own}, ["0", "1"])
            parquet(HERE / f"hub/xtreme/PAWS-X.{language}/{file}", columns(written, "sentence1", "sentence2", "label", ["0", "1"]))


for folder in ["archives", "download", "hub"]:
    shutil.rmtree(HERE / folder, ignore_errors=True)
expected = {"xnli": {}, "pawsx": {}}
xnli(expected["xnli"])
pawsx(expected["pawsx"])
text = json.dumps(expected, ensure_ascii=False, separators=(",", ":")).replace("]],", "]],\n")
(HERE / "expected.json").write_text(text + "\n", encoding="utf-8")
(HERE / "versions.json").write_text(json.dumps({"pyarrow": pa.__version__}) + "\n")
