//! What transformers' tokenizer classes prescribe, whatever `tokenizer.json` says.

use std::path::Path;

use serde_json::{Value, json};
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::processors::roberta::RobertaProcessing;
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{
    AddedToken, ModelWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper,
    Tokenizer,
};

use super::fence::fenced;
use super::settings::{FILE, Settings};
use super::vocabulary;
use crate::error::EncoderError;

/// Names of classes that normalise and split as BERT's.
const BERT: [&str; 3] = ["BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer"];
/// The class of byte-level BPE.
const ROBERTA: &str = "RobertaTokenizer";
/// Classes without token types. The last two take `tokenizer.json` as it is; `Fast` is cut off.
const WITHOUT_TOKEN_TYPES: [&str; 5] = [
    "DistilBertTokenizer",
    ROBERTA,
    "XLMRobertaTokenizer",
    "PreTrainedTokenizer",
    "TokenizersBackend",
];

/// Classes that take `tokenizer.json` as it is here, though transformers lowers texts if `do_lower_case` is set.
const LOWERING: [&str; 2] = ["DebertaV2Tokenizer", "XLNetTokenizer"];

/// A class that builds its tokenizer itself, from the vocabulary alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// WordPiece, as BERT's.
    Bert,
    /// Byte-level BPE, as RoBERTa's.
    Roberta,
}

impl Class {
    /// The class of a name; `None` for one that takes `tokenizer.json` as it is.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            ROBERTA => Some(Self::Roberta),
            _ if BERT.contains(&name) => Some(Self::Bert),
            _ => None,
        }
    }

    /// The files from which the class builds a tokenizer.
    pub(super) fn vocabulary_files(self) -> &'static [&'static str] {
        match self {
            Self::Bert => &["vocab.txt"],
            Self::Roberta => &["vocab.json", "merges.txt"],
        }
    }

    /// Builds the tokenizer from the vocabulary's files.
    pub(super) fn assemble(
        self,
        folder: &Path,
        settings: &Settings,
    ) -> Result<Tokenizer, EncoderError> {
        let path = folder.join(self.vocabulary_files()[0]);
        let model = match self {
            Self::Bert => {
                let unknown = self.special_token(settings, "unk_token");
                vocabulary::word_piece(&path, &unknown.content)?.into()
            }
            Self::Roberta => vocabulary::byte_level(&path, &folder.join("merges.txt"))?.into(),
        };
        self.assemble_on(model, settings)
            .map_err(|reason| EncoderError::Tokenizer { path, reason })
    }

    fn assemble_on(self, model: ModelWrapper, settings: &Settings) -> Result<Tokenizer, String> {
        let failed = |error: tokenizers::Error| error.to_string();
        let mut tokenizer = Tokenizer::new(model);
        tokenizer
            .with_normalizer(self.normalizer(settings))
            .map_err(failed)?
            .with_pre_tokenizer(Some(self.pre_tokenizer(settings)));
        let added: Vec<AddedToken> = settings.added_tokens().collect();
        let special = self.special_tokens(settings).into_iter();
        let special: Vec<AddedToken> = special
            .filter(|token| added.iter().all(|added| added.content != token.content))
            .collect();
        tokenizer.add_tokens(added).map_err(failed)?;
        tokenizer.add_special_tokens(special).map_err(failed)?;
        let post_processor = self.post_processor(&tokenizer, settings)?;
        tokenizer.with_post_processor(post_processor);
        Ok(tokenizer)
    }

    /// Replaces what `tokenizer.json` has in place of the class's own parts, and returns what that changes.
    pub(super) fn prescribe(
        self,
        name: &str,
        tokenizer: &mut Tokenizer,
        settings: &Settings,
    ) -> Result<Option<String>, String> {
        let failed = |error: tokenizers::Error| error.to_string();
        match (self, tokenizer.get_model()) {
            (Self::Bert, ModelWrapper::WordPiece(_)) => {}
            (Self::Roberta, ModelWrapper::BPE(model)) => {
                let mut model = model.clone();
                model.dropout = None;
                model.unk_token = None;
                model.byte_fallback = false;
                model.ignore_merges = false;
                tokenizer.with_model(model);
            }
            // Made of another kind of vocabulary: the class could not build it.
            _ => return Ok(None),
        }
        let mut differences = self.differences(name, tokenizer, settings);
        tokenizer
            .with_normalizer(self.normalizer(settings))
            .map_err(failed)?
            .with_pre_tokenizer(Some(self.pre_tokenizer(settings)));
        if let Some(post_processor) = self.post_processor(tokenizer, settings)? {
            let before = fenced(|| surrounded(tokenizer))?;
            tokenizer.with_post_processor(Some(post_processor));
            if fenced(|| surrounded(tokenizer))? != before {
                differences.push(format!(
                    "the special tokens around a text are those of {name}, others in tokenizer.json"
                ));
            }
        }
        if differences.is_empty() {
            return Ok(None);
        }
        let by = match differences
            .iter()
            .all(|difference| difference.contains(FILE))
        {
            true => FILE,
            false => name,
        };
        let differences = differences.join("; ");
        Ok(Some(format!(
            "{differences}: {by} takes precedence, as in transformers"
        )))
    }

    /// What the class normalises and splits otherwise than `tokenizer.json`, a clause each.
    fn differences(self, name: &str, tokenizer: &Tokenizer, settings: &Settings) -> Vec<String> {
        let parts = |normalizer: Value, pre_tokenizer: Value| {
            [("normalizer", normalizer), ("pre_tokenizer", pre_tokenizer)]
        };
        let theirs = parts(
            json!(tokenizer.get_normalizer()),
            json!(tokenizer.get_pre_tokenizer()),
        );
        let ours = parts(
            json!(self.normalizer(settings)),
            json!(self.pre_tokenizer(settings)),
        );
        let stated = [
            (
                "lowercase",
                "do_lower_case",
                settings.do_lower_case.is_some(),
            ),
            (
                "strip_accents",
                "strip_accents",
                settings.strip_accents.is_some(),
            ),
            (
                "handle_chinese_chars",
                "tokenize_chinese_chars",
                settings.tokenize_chinese_chars.is_some(),
            ),
            (
                "add_prefix_space",
                "add_prefix_space",
                settings.add_prefix_space.is_some(),
            ),
        ];
        let mut differences = Vec::new();
        for ((part, ours), (_, theirs)) in ours.iter().zip(&theirs) {
            if ours["type"] != theirs["type"] {
                differences.push(format!(
                    "the {part} is that of {name}, another in tokenizer.json"
                ));
                continue;
            }
            for (field, setting, is_stated) in stated {
                if ours[field] == theirs[field] {
                    continue;
                }
                let (here, there) = (&ours[field], &theirs[field]);
                let place = match is_stated {
                    true => format!("in {FILE}"),
                    false => format!("by default of {name}"),
                };
                differences.push(format!(
                    "{setting} is {here} {place}, {there} in tokenizer.json"
                ));
            }
        }
        differences
    }

    fn normalizer(self, settings: &Settings) -> Option<NormalizerWrapper> {
        match self {
            Self::Bert => {
                let normalizer = BertNormalizer::new(
                    true,
                    settings.tokenize_chinese_chars.unwrap_or(true),
                    settings.strip_accents.flatten(),
                    settings.do_lower_case.unwrap_or(true),
                );
                Some(normalizer.into())
            }
            Self::Roberta => None,
        }
    }

    fn pre_tokenizer(self, settings: &Settings) -> PreTokenizerWrapper {
        match self {
            Self::Bert => BertPreTokenizer.into(),
            Self::Roberta => {
                let add_prefix_space = settings.add_prefix_space.unwrap_or(false);
                ByteLevel::new(add_prefix_space, true, true).into()
            }
        }
    }

    /// The tokens around a sentence and a pair; `None` where the vocabulary lacks them.
    fn post_processor(
        self,
        tokenizer: &Tokenizer,
        settings: &Settings,
    ) -> Result<Option<PostProcessorWrapper>, String> {
        let with_id = |name: &str| {
            let token = self.special_token(settings, name).content;
            let id = tokenizer.token_to_id(&token)?;
            Some((token, id))
        };
        let (Some(cls), Some(sep)) = (with_id("cls_token"), with_id("sep_token")) else {
            return Ok(None);
        };
        Ok(Some(match self {
            Self::Bert => {
                let (first, last) = (&cls.0, &sep.0);
                TemplateProcessing::builder()
                    .try_single(format!("{first}:0 $A:0 {last}:0"))
                    .and_then(|t| t.try_pair(format!("{first}:0 $A:0 {last}:0 $B:1 {last}:1")))?
                    .special_tokens(vec![cls, sep])
                    .build()
                    .map_err(|error| error.to_string())?
                    .into()
            }
            Self::Roberta => RobertaProcessing::new(sep, cls).into(),
        }))
    }

    /// The special tokens, in the order in which transformers adds them.
    fn special_tokens(self, settings: &Settings) -> Vec<AddedToken> {
        let names: &[&str] = match self {
            Self::Bert => &[
                "unk_token",
                "sep_token",
                "pad_token",
                "cls_token",
                "mask_token",
            ],
            Self::Roberta => &[
                "bos_token",
                "eos_token",
                "unk_token",
                "sep_token",
                "pad_token",
                "cls_token",
                "mask_token",
            ],
        };
        let tokens = names.iter().map(|name| self.special_token(settings, name));
        tokens.collect()
    }

    fn special_token(self, settings: &Settings, name: &str) -> AddedToken {
        let usual = match (self, name) {
            (Self::Bert, "unk_token") => "[UNK]",
            (Self::Bert, "sep_token") => "[SEP]",
            (Self::Bert, "pad_token") => "[PAD]",
            (Self::Bert, "cls_token") => "[CLS]",
            (Self::Bert, _) => "[MASK]",
            (Self::Roberta, "bos_token" | "cls_token") => "<s>",
            (Self::Roberta, "eos_token" | "sep_token") => "</s>",
            (Self::Roberta, "unk_token") => "<unk>",
            (Self::Roberta, "pad_token") => "<pad>",
            (Self::Roberta, _) => "<mask>",
        };
        settings.special_token(name, usual)
    }
}

/// What transformers' class would change in a `tokenizer.json` that is taken as it is here.
pub(super) fn unheeded(name: &str, tokenizer: &Tokenizer, settings: &Settings) -> Option<String> {
    let normalizer = json!(tokenizer.get_normalizer()).to_string();
    let is_lowered = normalizer.contains("\"Lowercase\"");
    let lowers = LOWERING.contains(&name) && settings.do_lower_case == Some(true);
    (lowers && !is_lowered).then(|| {
        format!(
            "do_lower_case is true in {FILE}, which {name} of transformers adds to the normalizer; here {} is taken as it is",
            super::WHOLE
        )
    })
}

/// Whether transformers gives the model token types that this class makes.
pub(super) fn has_token_types(name: &str) -> bool {
    !WITHOUT_TOKEN_TYPES.contains(&name)
}

/// The ids and token types of a text, and of a pair.
fn surrounded(tokenizer: &Tokenizer) -> tokenizers::Result<[(Vec<u32>, Vec<u32>); 2]> {
    let encoded = |encoding: tokenizers::Encoding| {
        (
            encoding.get_ids().to_vec(),
            encoding.get_type_ids().to_vec(),
        )
    };
    Ok([
        encoded(tokenizer.encode_fast("a", true)?),
        encoded(tokenizer.encode_fast(("a", "a"), true)?),
    ])
}

#[cfg(test)]
mod tests {
    use tokenizers::models::wordlevel::WordLevel;
    use tokenizers::normalizers::utils::Lowercase;

    use super::*;

    #[test]
    fn lower_case_that_transformers_would_add_is_said() {
        let settings = |json: Value| serde_json::from_value::<Settings>(json).expect("settings");
        let lowering = settings(json!({ "do_lower_case": true }));
        let mut tokenizer = Tokenizer::new(WordLevel::default());
        let note = unheeded("DebertaV2Tokenizer", &tokenizer, &lowering).expect("a note");
        let begin = "do_lower_case is true in tokenizer_config.json, which DebertaV2Tokenizer of";
        assert!(note.starts_with(begin), "{note}");
        let silent = |name, tokenizer: &Tokenizer, settings: &Settings| {
            assert_eq!(unheeded(name, tokenizer, settings), None);
        };
        silent("XLMRobertaTokenizer", &tokenizer, &lowering);
        silent("XLNetTokenizer", &tokenizer, &settings(json!({})));
        tokenizer
            .with_normalizer(Some(Lowercase))
            .expect("a normalizer");
        silent("XLNetTokenizer", &tokenizer, &lowering);
    }
}
