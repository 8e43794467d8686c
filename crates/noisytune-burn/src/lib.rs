#![doc = include_str!("../README.md")]

mod config;
mod device;
mod distance;
mod element;
mod error;
mod layout;
mod mapper;
mod moments;
mod noise;
mod place;
mod report;
mod selection;
mod stream;
mod survey;
mod surveyed;
mod tune;
mod unchanged;
mod values;

pub use config::{NoiseKind, NoiseScale, NoisyTuneConfig, Treatment};
pub use distance::{DistanceReport, GroupDistance, PAPER_GROUPS, ParamDistance, distances};
pub use error::{NoisyTuneError, Side};
pub use mapper::NoisyTuneMapper;
pub use report::{NoiseReport, Outcome, ParamReport, SkipReason};
pub use selection::Selection;
pub use surveyed::Surveyed;
pub use tune::NoisyTune;
pub use unchanged::Unchanged;
