//! The rows of a table that a step looks up, in place of the table.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Int, Tensor, TensorData};
use fused::Rows;

/// A table whose rows may take steps late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) path: String,
    pub(crate) id: ParamId,
    pub(crate) rows: usize,
}

impl Table {
    /// Finds the parameter at a module path; `None` unless it is a matrix that occurs once, is trained, and is on a device
    /// where [rows can be deferred](fused::defers_rows).
    pub(crate) fn find<M: Module>(module: &M, path: &str) -> Option<Self> {
        let mut search = Search {
            wanted: path,
            path: Vec::new(),
            ids: Vec::new(),
            found: None,
        };
        module.visit(&mut search);
        let table = search.found?;
        let occurrences = search.ids.iter().filter(|id| **id == table.id).count();
        (occurrences == 1).then_some(table)
    }

    /// The module with these rows in place of the table, under the same id.
    pub(crate) fn narrowed<M: Module>(&self, module: M, rows: &Rows) -> M {
        module.map(&mut Narrowing {
            table: self.id,
            rows,
        })
    }
}

struct Search<'a> {
    wanted: &'a str,
    path: Vec<String>,
    ids: Vec<ParamId>,
    found: Option<Table>,
}

impl ModuleVisitor for Search<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.ids.push(param.id);
        let path = self.path.join(".");
        if path != self.wanted || D != 2 {
            return;
        }
        let value = param.val();
        if value.is_require_grad() && fused::defers_rows(&value.device()) {
            self.found = Some(Table {
                path,
                id: param.id,
                rows: value.dims()[0],
            });
        }
    }
}

struct Narrowing<'a> {
    table: ParamId,
    rows: &'a Rows,
}

impl ModuleMapper for Narrowing<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if param.id != self.table {
            return param;
        }
        let (id, table, mapper) = param.consume();
        let [rows, width] = [0, 1].map(|dim| table.dims()[dim]);
        let numbers: Vec<i64> = self.rows.numbers().iter().map(|&row| row as i64).collect();
        let count = numbers.len();
        let numbers = TensorData::new(numbers, [1, count]);
        let numbers = Tensor::<2, Int>::from_data(numbers, &table.device());
        let looked_up = fused::embedding(table.detach().reshape([rows, width]), numbers);
        let mut shape = [1; D];
        [shape[0], shape[1]] = [count, width];
        // A leaf of its own: gradients end here.
        let looked_up = looked_up.reshape(shape).detach().require_grad();
        Param::from_mapped_value(id, looked_up, mapper)
    }
}
