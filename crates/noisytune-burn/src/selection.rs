use burn::module::{ParamGroup, ParamId};
use serde::{Deserialize, Serialize};

/// Which parameters take part, as a list of rules that all have to admit a parameter.
///
/// Every method adds a rule, so each can only take parameters away, and their order does not matter:
///
/// ```
/// use noisytune_burn::{NoisyTuneConfig, Selection};
///
/// let selection = Selection::everything()
///     .except_token_embeddings()
///     .except(["classifier"])
///     .only_weights();
/// let config = NoisyTuneConfig::new(0.1).with_selection(selection);
/// # let _ = config;
/// ```
///
/// Names are components of a parameter's path, or several joined by dots: `classifier` stands for
/// `classifier.weight` and `bert.classifier.dense.bias`, but not for `classifier_norm.gamma`. A name,
/// preset or group that matches nothing is probably a mistake:
/// [`try_noisy_tune`](crate::NoisyTune::try_noisy_tune) returns an error, and the report of a bare
/// mapper lists it.
///
/// Burn's own [`ParamGroup`] converts into a selection of what it matches.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Selection {
    rules: Vec<Rule>,
}

/// A condition that a selected parameter fulfils.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Rule {
    ExceptEmbeddings,
    ExceptTokenEmbeddings,
    OnlyWeights,
    Except(Vec<String>),
    Only(Vec<String>),
    ExceptGroup(ParamGroup),
    OnlyGroup(ParamGroup),
}

impl Selection {
    /// Everything: embeddings, weights, biases and normalization, as the paper does on GLUE.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Leaves out embedding tables: parameters, or modules with a `weight`, whose name contains
    /// `embed` or is `wte` or `wpe`. The normalization after them is still selected.
    pub fn except_embeddings(self) -> Self {
        self.with(Rule::ExceptEmbeddings)
    }

    /// Leaves out the tables of token embeddings, as the paper does on XTREME, which keeps languages
    /// aligned: like [`except_embeddings`](Self::except_embeddings), for names that contain
    /// `word_embed`, `token_embed` or `tok_embed`, or are `embed_tokens`, `embedding`, `embeddings`,
    /// `embed` or `wte`.
    pub fn except_token_embeddings(self) -> Self {
        self.with(Rule::ExceptTokenEmbeddings)
    }

    /// Keeps only parameters called `weight`. Biases and Burn's normalization layers, whose
    /// parameters are `gamma` and `beta`, are left out.
    pub fn only_weights(self) -> Self {
        self.with(Rule::OnlyWeights)
    }

    /// Leaves out what has one of these names or lies under it, such as a fresh head.
    pub fn except<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        self.with(Rule::Except(names.into_iter().map(N::into).collect()))
    }

    /// Keeps only what has one of these names or lies under it. An empty list selects nothing.
    pub fn only<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        self.with(Rule::Only(names.into_iter().map(N::into).collect()))
    }

    /// Leaves out what Burn's group matches, by path, substring, regular expression or id.
    pub fn except_group(self, group: ParamGroup) -> Self {
        self.with(Rule::ExceptGroup(group))
    }

    /// Keeps only what Burn's group matches, by path, substring, regular expression or id.
    pub fn only_group(self, group: ParamGroup) -> Self {
        self.with(Rule::OnlyGroup(group))
    }

    fn with(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Whether a parameter is selected.
    pub fn matches(&self, id: &ParamId, path: &str) -> bool {
        self.rules.iter().all(|rule| rule.admits(id, path))
    }

    /// What the rules name, to be crossed off.
    pub(crate) fn terms(&self) -> Unmatched {
        Unmatched(self.rules.iter().flat_map(Rule::terms).collect())
    }
}

/// What Burn's group matches.
impl From<ParamGroup> for Selection {
    fn from(group: ParamGroup) -> Self {
        Self::everything().only_group(group)
    }
}

impl Rule {
    fn admits(&self, id: &ParamId, path: &str) -> bool {
        let is_under_one = |names: &[String]| names.iter().any(|name| is_under(path, name));
        match self {
            Self::ExceptEmbeddings => !is_embedding(path),
            Self::ExceptTokenEmbeddings => !is_token_embedding(path),
            Self::OnlyWeights => is_weight(path),
            Self::Except(names) => !is_under_one(names),
            Self::Only(names) => is_under_one(names),
            Self::ExceptGroup(group) => !group.matches(id, Some(path)),
            Self::OnlyGroup(group) => group.matches(id, Some(path)),
        }
    }

    fn terms(&self) -> Vec<Term> {
        match self {
            Self::ExceptEmbeddings => vec![Term::Embeddings],
            Self::ExceptTokenEmbeddings => vec![Term::TokenEmbeddings],
            Self::OnlyWeights => vec![Term::Weights],
            Self::Except(names) | Self::Only(names) => {
                names.iter().cloned().map(Term::Name).collect()
            }
            Self::ExceptGroup(group) | Self::OnlyGroup(group) => vec![Term::Group(group.clone())],
        }
    }
}

/// Names, presets and groups that no parameter has matched so far.
#[derive(Debug, Clone)]
pub(crate) struct Unmatched(Vec<Term>);

#[derive(Debug, Clone)]
enum Term {
    Embeddings,
    TokenEmbeddings,
    Weights,
    Name(String),
    Group(ParamGroup),
}

impl Unmatched {
    /// Crosses off what matches a parameter.
    pub(crate) fn cross_off(&mut self, id: &ParamId, path: &str) {
        self.0.retain(|term| !match term {
            Term::Embeddings => is_embedding(path),
            Term::TokenEmbeddings => is_token_embedding(path),
            Term::Weights => is_weight(path),
            Term::Name(name) => is_under(path, name),
            Term::Group(group) => group.matches(id, Some(path)),
        });
    }

    /// What is left, in words.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |term: &Term| match term {
            Term::Embeddings => "embeddings".to_string(),
            Term::TokenEmbeddings => "token embeddings".to_string(),
            Term::Weights => "weights".to_string(),
            Term::Name(name) => name.clone(),
            Term::Group(group) => format!("{group:?}"),
        };
        self.0.iter().map(name).collect()
    }
}

/// Whether the components of the name occur in the path, one after the other.
fn is_under(path: &str, name: &str) -> bool {
    format!(".{path}.").contains(&format!(".{name}."))
}

fn is_weight(path: &str) -> bool {
    path.rsplit('.').next() == Some("weight")
}

fn is_embedding(path: &str) -> bool {
    tables(path).any(|name| name.contains("embed") || ["wte", "wpe"].contains(&name))
}

fn is_token_embedding(path: &str) -> bool {
    const PARTS: [&str; 3] = ["word_embed", "token_embed", "tok_embed"];
    const NAMES: [&str; 5] = ["embed_tokens", "embedding", "embeddings", "embed", "wte"];
    tables(path).any(|name| PARTS.iter().any(|part| name.contains(part)) || NAMES.contains(&name))
}

/// The names by which a parameter may be an embedding table: its own, and its module's if it is the
/// module's weight.
fn tables(path: &str) -> impl Iterator<Item = &str> {
    let mut names = path.rsplit('.');
    let own = names.next();
    let module = names.next().filter(|_| own == Some("weight"));
    own.into_iter().chain(module)
}
