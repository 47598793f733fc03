// What moves values between Rust and the host, by the canonical ABI, for memories of 32 bits.

use std::alloc::{alloc, dealloc, handle_alloc_error, realloc, Layout};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem::{align_of, size_of, ManuallyDrop};
use std::ops::Deref;

extern "C" {
    fn __wasm_call_ctors();
}

/// What the C library does before anything else. That somebody calls it also keeps the linker from doing it
/// around each exported function, `cabi_realloc` too, in which nothing of the host may be called.
#[export_name = "_initialize"]
unsafe extern "C" fn initialize() {
    __wasm_call_ctors();
}

/// Where the host puts what it returns; without it the adapter of wasip1 takes memory of its own.
#[export_name = "cabi_realloc"]
unsafe extern "C" fn cabi_realloc(old: *mut u8, old_size: usize, align: usize, size: usize) -> *mut u8 {
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

/// Gives back a block that the host had allocated.
pub unsafe fn release(block: *mut u8, size: usize, align: usize) {
    if size > 0 {
        dealloc(block, Layout::from_size_align_unchecked(size, align));
    }
}

/// Blocks of memory for one call: what it passes, and where it is answered.
pub struct Arena(Vec<(*mut u8, Layout)>);

impl Arena {
    pub fn new() -> Arena {
        Arena(Vec::new())
    }

    pub fn allocate(&mut self, size: usize, align: usize) -> *mut u8 {
        if size == 0 {
            return align as *mut u8;
        }
        let layout = Layout::from_size_align(size, align).expect("an alignment of the canonical ABI");
        let block = unsafe { alloc(layout) };
        if block.is_null() {
            handle_alloc_error(layout);
        }
        self.0.push((block, layout));
        block
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for (block, layout) in &self.0 {
            unsafe { dealloc(*block, *layout) }
        }
    }
}

/// A value that can be passed to the host. Core values travel as their bits.
pub trait Store {
    const SIZE: usize;
    const ALIGN: usize;
    /// How many core values it is passed as.
    const FLAT: usize;
    /// That a value in memory is what Rust has there: lists are handed over as they are.
    const PLAIN: bool = false;
    /// Writes the value into memory. What it needs more is the arena's.
    unsafe fn store(&self, to: *mut u8, arena: &mut Arena);
    /// Writes the value as core values.
    unsafe fn lower(&self, slots: &mut [u64], arena: &mut Arena);
}

/// A value that the host can pass.
pub trait Load: Store + Sized {
    /// Takes the value out of memory, and all that it points to.
    unsafe fn load(from: *const u8) -> Self;
    /// Takes the value out of core values.
    unsafe fn lift(slots: &[u64]) -> Self;
}

/// Reads a part of a value, at an offset.
pub unsafe fn load_at<T: Load>(from: *const u8, offset: usize) -> T {
    T::load(from.add(offset))
}

/// Reads the number of a case.
pub unsafe fn load_tag(from: *const u8, bytes: usize) -> u32 {
    match bytes {
        1 => u32::from(*from),
        2 => u32::from((from as *const u16).read()),
        _ => (from as *const u32).read(),
    }
}

/// Writes the number of a case.
pub unsafe fn store_tag(to: *mut u8, bytes: usize, tag: u32) {
    match bytes {
        1 => *to = tag as u8,
        2 => (to as *mut u16).write(tag as u16),
        _ => (to as *mut u32).write(tag),
    }
}

macro_rules! number {
    ($($type:ty: $to:expr, $from:expr;)*) => {$(
        impl Store for $type {
            const SIZE: usize = size_of::<$type>();
            const ALIGN: usize = align_of::<$type>();
            const FLAT: usize = 1;
            const PLAIN: bool = true;
            unsafe fn store(&self, to: *mut u8, _: &mut Arena) {
                (to as *mut $type).write(*self);
            }
            unsafe fn lower(&self, slots: &mut [u64], _: &mut Arena) {
                slots[0] = $to(*self);
            }
        }
        impl Load for $type {
            unsafe fn load(from: *const u8) -> $type {
                (from as *const $type).read()
            }
            unsafe fn lift(slots: &[u64]) -> $type {
                $from(slots[0])
            }
        }
    )*};
}

number! {
    bool: u64::from, |bits| bits != 0;
    u8: u64::from, |bits| bits as u8;
    u16: u64::from, |bits| bits as u16;
    u32: u64::from, |bits| bits as u32;
    u64: u64::from, |bits| bits;
    i8: |value| value as i32 as u32 as u64, |bits| bits as i8;
    i16: |value| value as i32 as u32 as u64, |bits| bits as i16;
    i32: |value| value as u32 as u64, |bits| bits as i32;
    i64: |value| value as u64, |bits| bits as i64;
    f32: |value: f32| u64::from(value.to_bits()), |bits| f32::from_bits(bits as u32);
    f64: |value: f64| value.to_bits(), f64::from_bits;
    char: |value| u64::from(value as u32), |bits| char::from_u32(bits as u32).expect("a character");
}

impl Store for () {
    const SIZE: usize = 0;
    const ALIGN: usize = 1;
    const FLAT: usize = 0;
    unsafe fn store(&self, _: *mut u8, _: &mut Arena) {}
    unsafe fn lower(&self, _: &mut [u64], _: &mut Arena) {}
}

impl Load for () {
    unsafe fn load(_: *const u8) {}
    unsafe fn lift(_: &[u64]) {}
}

impl<T: Store + ?Sized> Store for &T {
    const SIZE: usize = T::SIZE;
    const ALIGN: usize = T::ALIGN;
    const FLAT: usize = T::FLAT;
    unsafe fn store(&self, to: *mut u8, arena: &mut Arena) {
        (**self).store(to, arena);
    }
    unsafe fn lower(&self, slots: &mut [u64], arena: &mut Arena) {
        (**self).lower(slots, arena);
    }
}

impl Store for str {
    const SIZE: usize = 8;
    const ALIGN: usize = 4;
    const FLAT: usize = 2;
    unsafe fn store(&self, to: *mut u8, _: &mut Arena) {
        (to as *mut [u32; 2]).write([self.as_ptr() as u32, self.len() as u32]);
    }
    unsafe fn lower(&self, slots: &mut [u64], _: &mut Arena) {
        slots[0] = self.as_ptr() as u32 as u64;
        slots[1] = self.len() as u64;
    }
}

impl Store for String {
    const SIZE: usize = 8;
    const ALIGN: usize = 4;
    const FLAT: usize = 2;
    unsafe fn store(&self, to: *mut u8, arena: &mut Arena) {
        self.as_str().store(to, arena);
    }
    unsafe fn lower(&self, slots: &mut [u64], arena: &mut Arena) {
        self.as_str().lower(slots, arena);
    }
}

unsafe fn text(pointer: u32, length: u32) -> String {
    String::from_utf8(list(pointer, length)).expect("texts of the host are UTF-8")
}

impl Load for String {
    unsafe fn load(from: *const u8) -> String {
        let [pointer, length] = (from as *const [u32; 2]).read();
        text(pointer, length)
    }
    unsafe fn lift(slots: &[u64]) -> String {
        text(slots[0] as u32, slots[1] as u32)
    }
}

fn elements<T: Store>(list: &[T], arena: &mut Arena) -> u32 {
    if T::PLAIN {
        return list.as_ptr() as u32;
    }
    let block = arena.allocate(list.len() * T::SIZE, T::ALIGN);
    for (index, element) in list.iter().enumerate() {
        unsafe { element.store(block.add(index * T::SIZE), arena) }
    }
    block as u32
}

impl<T: Store> Store for [T] {
    const SIZE: usize = 8;
    const ALIGN: usize = 4;
    const FLAT: usize = 2;
    unsafe fn store(&self, to: *mut u8, arena: &mut Arena) {
        (to as *mut [u32; 2]).write([elements(self, arena), self.len() as u32]);
    }
    unsafe fn lower(&self, slots: &mut [u64], arena: &mut Arena) {
        slots[0] = u64::from(elements(self, arena));
        slots[1] = self.len() as u64;
    }
}

impl<T: Store> Store for Vec<T> {
    const SIZE: usize = 8;
    const ALIGN: usize = 4;
    const FLAT: usize = 2;
    unsafe fn store(&self, to: *mut u8, arena: &mut Arena) {
        self.as_slice().store(to, arena);
    }
    unsafe fn lower(&self, slots: &mut [u64], arena: &mut Arena) {
        self.as_slice().lower(slots, arena);
    }
}

unsafe fn list<T: Load>(pointer: u32, length: u32) -> Vec<T> {
    let (block, length) = (pointer as *mut u8, length as usize);
    if length == 0 {
        return Vec::new();
    }
    if T::PLAIN {
        return Vec::from_raw_parts(block as *mut T, length, length);
    }
    let list = (0..length).map(|index| T::load(block.add(index * T::SIZE))).collect();
    release(block, length * T::SIZE, T::ALIGN);
    list
}

impl<T: Load> Load for Vec<T> {
    unsafe fn load(from: *const u8) -> Vec<T> {
        let [pointer, length] = (from as *const [u32; 2]).read();
        list(pointer, length)
    }
    unsafe fn lift(slots: &[u64]) -> Vec<T> {
        list(slots[0] as u32, slots[1] as u32)
    }
}

const fn larger(one: usize, other: usize) -> usize {
    if one > other {
        one
    } else {
        other
    }
}

const fn aligned(offset: usize, align: usize) -> usize {
    (offset + align - 1) / align * align
}

impl<T: Store> Store for Option<T> {
    const SIZE: usize = aligned(T::ALIGN + T::SIZE, T::ALIGN);
    const ALIGN: usize = T::ALIGN;
    const FLAT: usize = 1 + T::FLAT;
    unsafe fn store(&self, to: *mut u8, arena: &mut Arena) {
        *to = u8::from(self.is_some());
        if let Some(value) = self {
            value.store(to.add(T::ALIGN), arena);
        }
    }
    unsafe fn lower(&self, slots: &mut [u64], arena: &mut Arena) {
        slots[0] = u64::from(self.is_some());
        if let Some(value) = self {
            value.lower(&mut slots[1..], arena);
        }
    }
}

impl<T: Load> Load for Option<T> {
    unsafe fn load(from: *const u8) -> Option<T> {
        if *from == 0 {
            return None;
        }
        Some(T::load(from.add(T::ALIGN)))
    }
    unsafe fn lift(slots: &[u64]) -> Option<T> {
        if slots[0] == 0 {
            return None;
        }
        Some(T::lift(&slots[1..]))
    }
}

impl<T: Store, E: Store> Store for Result<T, E> {
    const SIZE: usize = aligned(Self::ALIGN + larger(T::SIZE, E::SIZE), Self::ALIGN);
    const ALIGN: usize = larger(T::ALIGN, E::ALIGN);
    const FLAT: usize = 1 + larger(T::FLAT, E::FLAT);
    unsafe fn store(&self, to: *mut u8, arena: &mut Arena) {
        *to = u8::from(self.is_err());
        match self {
            Ok(value) => value.store(to.add(Self::ALIGN), arena),
            Err(error) => error.store(to.add(Self::ALIGN), arena),
        }
    }
    unsafe fn lower(&self, slots: &mut [u64], arena: &mut Arena) {
        slots[0] = u64::from(self.is_err());
        match self {
            Ok(value) => value.lower(&mut slots[1..], arena),
            Err(error) => error.lower(&mut slots[1..], arena),
        }
    }
}

impl<T: Load, E: Load> Load for Result<T, E> {
    unsafe fn load(from: *const u8) -> Result<T, E> {
        let payload = from.add(Self::ALIGN);
        if *from == 0 {
            Ok(T::load(payload))
        } else {
            Err(E::load(payload))
        }
    }
    unsafe fn lift(slots: &[u64]) -> Result<T, E> {
        if slots[0] == 0 {
            Ok(T::lift(&slots[1..]))
        } else {
            Err(E::lift(&slots[1..]))
        }
    }
}

macro_rules! tuples {
    ($($($name:ident $index:tt),+;)*) => {$(
        impl<$($name: Store),+> Store for ($($name,)+) {
            const SIZE: usize = {
                let end = 0;
                $(let end = aligned(end, $name::ALIGN) + $name::SIZE;)+
                aligned(end, Self::ALIGN)
            };
            const ALIGN: usize = {
                let align = 1;
                $(let align = larger(align, $name::ALIGN);)+
                align
            };
            const FLAT: usize = 0 $(+ $name::FLAT)+;
            unsafe fn store(&self, to: *mut u8, arena: &mut Arena) {
                let end = 0;
                $(
                    let start = aligned(end, $name::ALIGN);
                    self.$index.store(to.add(start), arena);
                    let end = start + $name::SIZE;
                )+
                let _ = end;
            }
            unsafe fn lower(&self, slots: &mut [u64], arena: &mut Arena) {
                let end = 0;
                $(
                    self.$index.lower(&mut slots[end..], arena);
                    let end = end + $name::FLAT;
                )+
                let _ = end;
            }
        }
        impl<$($name: Load),+> Load for ($($name,)+) {
            unsafe fn load(from: *const u8) -> Self {
                let mut end = 0;
                ($({
                    let start = aligned(end, $name::ALIGN);
                    end = start + $name::SIZE;
                    let _ = end;
                    $name::load(from.add(start))
                },)+)
            }
            unsafe fn lift(slots: &[u64]) -> Self {
                let mut end = 0;
                ($({
                    let start = end;
                    end += $name::FLAT;
                    let _ = end;
                    $name::lift(&slots[start..])
                },)+)
            }
        }
    )*};
}

tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, F 4;
    A 0, B 1, C 2, D 3, F 4, G 5;
    A 0, B 1, C 2, D 3, F 4, G 5, H 6;
    A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7;
    A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8;
    A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9;
    A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9, L 10;
    A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9, L 10, M 11;
    A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9, L 10, M 11, N 12;
    A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9, L 10, M 11, N 12, O 13;
    A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9, L 10, M 11, N 12, O 13, P 14;
    A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9, L 10, M 11, N 12, O 13, P 14, Q 15;
}

/// A resource of the host.
pub trait Resource: Sized {
    unsafe fn from_handle(handle: u32) -> Self;
    fn handle(&self) -> u32;
}

/// The handle of a resource that is owned, until it is given away.
#[derive(Debug)]
pub struct Handle(Cell<u32>);

/// Handles begin at 1.
const GIVEN: u32 = 0;

impl Handle {
    pub fn new(handle: u32) -> Handle {
        Handle(Cell::new(handle))
    }

    pub fn get(&self) -> u32 {
        assert_ne!(self.0.get(), GIVEN, "the resource was given away");
        self.0.get()
    }

    /// Gives the handle away.
    pub fn give(&self) -> u32 {
        let handle = self.get();
        self.0.set(GIVEN);
        handle
    }

    /// The handle to drop; none where it was given away.
    pub fn take(&self) -> Option<u32> {
        match self.0.replace(GIVEN) {
            GIVEN => None,
            handle => Some(handle),
        }
    }
}

/// A resource within another value, lent for a call: by the guest, or by the host, which gets it back.
#[derive(Debug)]
pub struct Borrow<R: Resource> {
    resource: ManuallyDrop<R>,
    from_host: bool,
}

impl<R: Resource> Borrow<R> {
    /// Lends a resource. It must not be dropped before what has this in it is passed on.
    pub fn of(resource: &R) -> Borrow<R> {
        let resource = ManuallyDrop::new(unsafe { R::from_handle(resource.handle()) });
        Borrow { resource, from_host: false }
    }
}

impl<R: Resource> Deref for Borrow<R> {
    type Target = R;
    fn deref(&self) -> &R {
        &self.resource
    }
}

impl<R: Resource> Drop for Borrow<R> {
    fn drop(&mut self) {
        if self.from_host {
            unsafe { ManuallyDrop::drop(&mut self.resource) }
        }
    }
}

impl<R: Resource> Store for Borrow<R> {
    const SIZE: usize = 4;
    const ALIGN: usize = 4;
    const FLAT: usize = 1;
    unsafe fn store(&self, to: *mut u8, arena: &mut Arena) {
        self.resource.handle().store(to, arena);
    }
    unsafe fn lower(&self, slots: &mut [u64], _: &mut Arena) {
        slots[0] = u64::from(self.resource.handle());
    }
}

impl<R: Resource> Load for Borrow<R> {
    unsafe fn load(from: *const u8) -> Borrow<R> {
        Self::lift(&[u64::from(u32::load(from))])
    }
    unsafe fn lift(slots: &[u64]) -> Borrow<R> {
        let resource = ManuallyDrop::new(R::from_handle(slots[0] as u32));
        Borrow { resource, from_host: true }
    }
}

/// What an export has answered, until the host has read it.
struct Kept {
    _value: Box<dyn Any>,
    _arena: Arena,
}

thread_local! {
    static KEPT: RefCell<Option<Kept>> = RefCell::new(None);
}

/// Writes an export's answer into memory and keeps it there.
pub unsafe fn keep<T: Store + 'static>(value: T) -> i32 {
    let value = Box::new(value);
    let mut arena = Arena::new();
    let area = arena.allocate(T::SIZE, T::ALIGN);
    value.store(area, &mut arena);
    KEPT.with(|kept| kept.replace(Some(Kept { _value: value, _arena: arena })));
    area as i32
}

/// The host has read the answer.
pub fn release_kept() {
    KEPT.with(|kept| kept.replace(None));
}
