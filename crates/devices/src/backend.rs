//! The backends that have devices.

/// What computes; each has a cargo feature of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// The CPU, pure Rust.
    Flex,
    /// The CPU through ndarray, deprecated by Burn.
    Ndarray,
    /// A GPU through Vulkan or Metal.
    Wgpu,
    /// An NVIDIA GPU.
    Cuda,
    /// An AMD GPU.
    Rocm,
    /// The CPU through CubeCL.
    Cpu,
    /// A device that a server hosts, on this machine or another.
    Remote,
}

impl Backend {
    /// In the order in which a default is chosen and lists are printed: the first that is compiled in is the default.
    pub const ALL: [Self; 7] = [
        Self::Flex,
        Self::Ndarray,
        Self::Wgpu,
        Self::Cuda,
        Self::Rocm,
        Self::Cpu,
        Self::Remote,
    ];

    /// Its name on the command line, which is also its cargo feature.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Ndarray => "ndarray",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
            Self::Rocm => "rocm",
            Self::Cpu => "cpu",
            Self::Remote => "remote",
        }
    }

    /// What it is, in a few words.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Flex => "the CPU, pure Rust",
            Self::Ndarray => {
                "the CPU through ndarray, which Burn 0.22 deprecates in favour of flex"
            }
            Self::Wgpu => "a GPU through Vulkan, or Metal on a Mac",
            Self::Cuda => "an NVIDIA GPU",
            Self::Rocm => "an AMD GPU",
            Self::Cpu => "the CPU through CubeCL and LLVM",
            Self::Remote => "a device that a device_server hosts",
        }
    }

    /// Whether this build has the feature.
    pub const fn is_compiled(self) -> bool {
        match self {
            Self::Flex => cfg!(feature = "flex"),
            Self::Ndarray => cfg!(feature = "ndarray"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Rocm => cfg!(feature = "rocm"),
            Self::Cpu => cfg!(feature = "cpu"),
            Self::Remote => cfg!(feature = "remote"),
        }
    }

    /// Whether it computes on the program's threads, in the rayon pool of the calling thread.
    pub const fn is_threaded(self) -> bool {
        matches!(self, Self::Flex | Self::Ndarray)
    }

    /// Whether a machine may have several devices of this backend, told apart by a number.
    pub const fn is_numbered(self) -> bool {
        matches!(self, Self::Wgpu | Self::Cuda | Self::Rocm)
    }
}
