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

/// Passes on what [`hf_hub`] reports, which announces a file twice, and remembers how far it got.
pub(crate) struct Transfer<'a> {
    progress: &'a mut dyn Progress,
    pub(crate) size: Option<u64>,
    pub(crate) received: u64,
}

impl<'a> Transfer<'a> {
    pub(crate) fn new(progress: &'a mut dyn Progress) -> Self {
        Self {
            progress,
            size: None,
            received: 0,
        }
    }
}

impl hf_hub::api::Progress for &mut Transfer<'_> {
    fn init(&mut self, size: usize, file: &str) {
        if self.size.is_none() {
            self.progress.started(file, size as u64);
        }
        self.size = Some(size as u64);
    }

    fn update(&mut self, bytes: usize) {
        self.received += bytes as u64;
        self.progress.received(bytes as u64);
    }

    fn finish(&mut self) {
        self.progress.finished();
    }
}
