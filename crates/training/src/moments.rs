//! The file of the optimizer's states, looked through before Burn reads it.

use std::collections::HashMap;
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::OptimizerRecord;
use burn::tensor::{Shape, Tensor};
use burn_pack::Reader;

use crate::checkpoint::{Counters, StateError, check_length};

/// Reads the optimizer's states of a model's parameters.
///
/// Burn leaves out states of parameters that the model lacks, panics at others, and begins those parameters anew; a step panics at
/// tensors of another shape.
///
/// # Errors
/// [`StateError`] if the file cannot be read, or is not of these parameters after so many steps.
pub(crate) fn read<M: Module>(
    path: &Path,
    model: &M,
    counters: &Counters,
) -> Result<OptimizerRecord, StateError> {
    check_length(path)?;
    let reader = Reader::from_file_exact(path).map_err(|e| StateError::of(path, e))?;
    check(reader, model, counters).map_err(|reason| StateError::of(path, reason))?;
    OptimizerRecord::load(path).map_err(|e| StateError::of(path, e))
}

fn check<M: Module>(reader: Reader, model: &M, counters: &Counters) -> Result<(), String> {
    let mut shapes = Shapes::default();
    model.visit(&mut shapes);
    let shape_of = |id: u64| {
        let shape = shapes.0.get(&id);
        shape.ok_or_else(|| format!("a state of parameter {id}, which the model lacks"))
    };
    let taken = counters.steps.saturating_sub(counters.skipped);
    let mut longest = None;
    for (name, value) in reader.scalars() {
        let Some((id, name)) = name.split_once('.') else {
            continue;
        };
        let number = id.parse();
        let id =
            number.map_err(|_| format!("a state of {id}, which is the name of no parameter"))?;
        let rank = shape_of(id)?.num_dims();
        let whole = || {
            let number = usize::try_from(*value);
            number.map_err(|_| format!("{name} of parameter {id} is not a whole number"))
        };
        match name {
            "__rank" if whole()? != rank => {
                return Err(format!(
                    "parameter {id} has {rank} dimensions, its state {}",
                    whole()?
                ));
            }
            // RecAdam keeps its AdamW under a name.
            _ if is_time(name) => longest = longest.max(Some(whole()?)),
            _ => {}
        }
    }
    if let Some(longest) = longest
        && longest != taken
    {
        return Err(format!(
            "a state after {longest} steps, the model has taken {taken}"
        ));
    }
    let tensors = reader.into_tensors().map_err(|e| e.to_string())?;
    if tensors.is_empty() && taken > 0 {
        return Err(format!("no state, the model has taken {taken} steps"));
    }
    for tensor in tensors {
        let id = tensor
            .param_id
            .ok_or_else(|| format!("{} is of no parameter", tensor.name))?;
        let shape = shape_of(id)?;
        if tensor.shape != *shape || !tensor.dtype.is_float() {
            return Err(format!(
                "{} is {:?} of {:?}, its parameter {:?}",
                tensor.name,
                tensor.shape.to_vec(),
                tensor.dtype,
                shape.to_vec()
            ));
        }
    }
    Ok(())
}

/// Whether a number counts the steps that a state has taken.
fn is_time(name: &str) -> bool {
    let path = name.strip_suffix("momentum.time");
    path.is_some_and(|path| path.is_empty() || path.ends_with('.'))
}

/// The shape of each parameter that an optimizer may have a state of, by its id.
#[derive(Default)]
struct Shapes(HashMap<u64, Shape>);

impl ModuleVisitor for Shapes {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.insert(param.id.val(), param.lazy_shape());
    }
}
