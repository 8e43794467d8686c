//! A tokenizer from `vocab.txt`, as transformers' `BertTokenizer` makes it.

use tokenizers::decoders::wordpiece::WordPiece as WordPieceDecoder;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, Tokenizer};

use super::settings::{Settings, Special};

/// Makes a tokenizer from a vocabulary of one token per line.
pub(super) fn assemble(vocabulary: &[u8], settings: &Settings) -> Result<Tokenizer, String> {
    let failed = |error: tokenizers::Error| error.to_string();
    let special = settings.special();
    let vocabulary = WordPiece::read_bytes(vocabulary).map_err(failed)?;
    if !vocabulary.contains_key(&special.unk) {
        return Err(format!("no line is `{}`, the unknown token", special.unk));
    }
    let model = WordPiece::builder()
        .vocab(vocabulary)
        .unk_token(special.unk.clone());
    let mut tokenizer = Tokenizer::new(model.build().map_err(failed)?);
    tokenizer
        .with_normalizer(Some(settings.normalizer()))
        .map_err(failed)?
        .with_pre_tokenizer(Some(BertPreTokenizer))
        .with_decoder(Some(WordPieceDecoder::default()));
    tokenizer
        .add_tokens(settings.added_tokens())
        .map_err(failed)?;
    let Special {
        unk,
        sep,
        pad,
        cls,
        mask,
    } = special;
    let tokens = [&unk, &sep, &pad, &cls, &mask];
    tokenizer
        .add_special_tokens(tokens.map(|token| AddedToken::from(token.as_str(), true)))
        .map_err(failed)?;
    let ids = [&cls, &sep].map(|token| {
        let id = tokenizer.token_to_id(token);
        (token.clone(), id.expect("it has just been added"))
    });
    let template = TemplateProcessing::builder()
        .try_single(format!("{cls}:0 $A:0 {sep}:0"))
        .and_then(|t| t.try_pair(format!("{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1")))?
        .special_tokens(ids.to_vec())
        .build()
        .map_err(|error| error.to_string())?;
    tokenizer.with_post_processor(Some(template));
    Ok(tokenizer)
}
