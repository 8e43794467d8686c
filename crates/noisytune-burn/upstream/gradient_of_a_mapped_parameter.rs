//! A mapped parameter is no leaf any more: no gradient reaches it, and nothing says so.
use burn::module::Param;
use burn::tensor::{Device, Tensor};

pub fn main() {
    let device = Device::flex().autodiff();
    let param = Param::from_tensor(Tensor::<1>::ones([2], &device)).map(|tensor| tensor + 1.0);
    let grads = param.val().sum().backward();
    assert!(param.grad(&grads).is_some(), "no gradient");
}
