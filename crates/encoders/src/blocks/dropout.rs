//! Dropout whose masks are a function of (seed, step, site, element).
//!
//! Burn's own dropout draws from one generator for the whole process, so its masks depend on the device and on
//! whatever else runs. Two arms of a comparison must share their masks; hence the keys.

use fused::{Dropout, DropoutKey};

/// The dropout masks of one forward pass, handed out site after site.
///
/// The masks depend only on the seed, the step and the order of the sites: the same key gives the same masks on
/// every device.
#[derive(Clone, Debug)]
pub struct Dropouts {
    key: Option<DropoutKey>,
}

impl Dropouts {
    /// Evaluation: every element is kept.
    pub fn off() -> Self {
        Self { key: None }
    }

    /// Training: the masks of forward pass `pass` under `seed`.
    pub fn keyed(seed: u64, pass: u64) -> Self {
        Self {
            key: Some(DropoutKey {
                seed,
                step: pass,
                site: 0,
            }),
        }
    }

    /// The dropout of the next site; `None` keeps every element.
    ///
    /// The probability comes from a configuration, which was checked when it was read.
    pub(crate) fn next(&mut self, probability: f64) -> Option<Dropout> {
        let key = self.key.as_mut()?;
        let dropout = Dropout::new(probability, *key).expect("the config was checked");
        key.site += 1;
        dropout
    }
}

/// The dropout of one of the parts into which the elements of a site are divided: each has a mask of its own, and the
/// first has the site's.
pub(crate) fn of_part(dropout: Dropout, part: usize) -> Dropout {
    let mut key = dropout.key();
    // A model has far fewer sites.
    key.site |= (part as u32) << 16;
    let dropout = Dropout::new(dropout.probability(), key).expect("it was accepted before");
    dropout.expect("nothing is rounded a second time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_site_have_masks_that_no_other_part_and_no_other_site_has() {
        let mut dropouts = Dropouts::keyed(1, 2);
        let sites = [(); 3].map(|()| dropouts.next(0.1).expect("it drops"));
        let keys = sites.map(|site| [0, 1, 2].map(|part| of_part(site, part).key()));
        let distinct: std::collections::HashSet<_> = keys.as_flattened().iter().collect();
        assert_eq!(distinct.len(), 9);
        for (site, [first, ..]) in sites.iter().zip(keys) {
            assert_eq!(first, site.key());
            assert_eq!(of_part(*site, 1).probability(), site.probability());
        }
    }
}
