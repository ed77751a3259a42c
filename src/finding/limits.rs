pub const MAX_BYTES: usize = 1 << 20; pub const MAX_DEPTH: usize = 64;
