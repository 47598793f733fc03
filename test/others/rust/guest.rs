//! What the core module of a component exports beside its own functions, where a C library is in it.

use std::alloc::{alloc, handle_alloc_error, realloc, Layout};

extern "C" {
    fn __wasm_call_ctors();
}

/// What the C library does before anything else. That somebody calls it also keeps the linker from doing it
/// around each exported function, `cabi_realloc` too, in which nothing of the host may be called.
///
/// # Safety
/// Called once, before anything else, when the component is instantiated.
#[export_name = "_initialize"]
pub unsafe extern "C" fn initialize() {
    __wasm_call_ctors();
}

/// Where the host puts the lists and texts that it returns, and the adapter of wasip1 what it remembers:
/// without it the adapter grows the memory, all of which a C library from before 2023 takes for its own.
///
/// # Safety
/// As of the canonical ABI: `old` is null or was allocated here with this size and alignment.
#[export_name = "cabi_realloc"]
pub unsafe extern "C" fn cabi_realloc(old: *mut u8, old_size: usize, align: usize, size: usize) -> *mut u8 {
    if size == 0 {
        return align as *mut u8;
    }
    let layout = Layout::from_size_align_unchecked(size, align);
    let new = if old_size == 0 {
        alloc(layout)
    } else {
        realloc(old, Layout::from_size_align_unchecked(old_size, align), size)
    };
    if new.is_null() {
        handle_alloc_error(layout);
    }
    new
}
