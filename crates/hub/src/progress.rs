//! The progress of a download.

/// Is told about every file that is downloaded; files already in the cache are not mentioned.
pub trait Progress {
    /// A file of `bytes` bytes starts, or continues.
    fn started(&mut self, file: &str, bytes: u64);
    /// So many more bytes have arrived. A download that continues starts with those of the last attempt.
    fn received(&mut self, bytes: u64);
    /// The file is complete.
    fn finished(&mut self);
}

/// Ignores all of it.
impl Progress for () {
    fn started(&mut self, _file: &str, _bytes: u64) {}
    fn received(&mut self, _bytes: u64) {}
    fn finished(&mut self) {}
}
