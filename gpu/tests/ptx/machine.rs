//! Running a block.

use half::{bf16, f16};

use super::program::{Address, Instruction, Operation, Program, SHARED_BASE, Source};
use super::shared::Shared;

const WARP: usize = 32;

/// Where the operands and the product begin in global memory: far apart, so that a wild address is found out.
const BASES: [u64; 3] = [1 << 40, 2 << 40, 3 << 40];

/// Global memory.
#[derive(Debug)]
pub struct Global {
    /// The two operands.
    pub operands: [Vec<u8>; 2],
    /// The product, bit by bit.
    pub product: Vec<u32>,
    /// Bytes of an element of it.
    pub element_byte: usize,
    /// How often each element of the product was written or added to.
    pub writes: Vec<u32>,
}

/// Which block runs, with how many threads and how much shared memory.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    pub index: [u32; 3],
    pub threads: usize,
    pub shared_byte: usize,
}

/// Runs one block of `program` from its start to its end.
pub fn run(program: &Program, block: Block, global: &mut Global) {
    let shared = Shared::new(block.shared_byte, block.threads);
    let registers = vec![0; program.n_registers * block.threads];
    let mut machine = Machine { block, registers, shared, global };
    let mut next = 0;
    while let Some(instruction) = program.instructions.get(next) {
        next = match machine.step(instruction) {
            Next::Following => next + 1,
            Next::At(target) => target,
            Next::End => return,
        };
    }
    panic!("the program ends without `ret`");
}

enum Next {
    Following,
    At(usize),
    End,
}

struct Machine<'a> {
    block: Block,
    /// Shape `[registers][threads]`.
    registers: Vec<u64>,
    shared: Shared,
    global: &'a mut Global,
}

impl Machine<'_> {
    fn step(&mut self, instruction: &Instruction) -> Next {
        let threads = self.block.threads;
        if let Some(guard) = instruction.guard {
            let count = (0..threads).filter(|&thread| self.takes(guard, thread)).count();
            if count == 0 {
                return Next::Following;
            }
            if count < threads {
                let is_write =
                    matches!(instruction.operation, Operation::Store { .. } | Operation::Add { .. });
                assert!(is_write, "threads diverge at `{}`", instruction.text);
                let takers: Vec<usize> = (0..threads).filter(|&thread| self.takes(guard, thread)).collect();
                takers.into_iter().for_each(|thread| self.alone(&instruction.operation, thread));
                return Next::Following;
            }
        }
        match &instruction.operation {
            Operation::Branch { target } => return Next::At(*target),
            Operation::Return => return Next::End,
            Operation::Barrier => self.shared.barrier(),
            Operation::CloseGroup => self.shared.close_groups(),
            Operation::Await { pending } => self.shared.wait(*pending),
            Operation::LoadMatrix { to, from } => self.load_matrix(to, *from),
            Operation::Exchange { to, from, lane, clamp, is_butterfly } => {
                self.exchange(*to, [*from, *lane, *clamp], *is_butterfly);
            }
            Operation::MultiplyAdd { to, a, b, c, is_bfloat } => self.multiply_add(to, [a, b, c], *is_bfloat),
            other => (0..self.block.threads).for_each(|thread| self.alone(other, thread)),
        }
        Next::Following
    }

    /// Whether `thread` obeys an instruction under this guard.
    fn takes(&self, (predicate, wanted): (usize, bool), thread: usize) -> bool {
        (self.registers[predicate * self.block.threads + thread] != 0) == wanted
    }

    /// What each thread does by itself.
    fn alone(&mut self, operation: &Operation, thread: usize) {
        match operation {
            Operation::Pure { function, to, from } => {
                let mut sources = [0; 4];
                for (slot, &source) in sources.iter_mut().zip(from) {
                    *slot = self.value(source, thread);
                }
                self.set(*to, thread, function(&sources));
            }
            Operation::Unpack { to, from } => {
                let word = self.value(*from, thread);
                self.set(to[0], thread, word & 0xFFFF);
                self.set(to[1], thread, word >> 16 & 0xFFFF);
            }
            Operation::Pack { to, from } => {
                let [low, high] = from.map(|source| self.value(source, thread) & 0xFFFF);
                self.set(*to, thread, high << 16 | low);
            }
            Operation::LoadParameter { to, index } => self.set(*to, thread, BASES[*index]),
            Operation::LoadGlobal { to, from, bytes } => {
                let from = self.address(*from, thread);
                let value = self.global_bytes(from, *bytes).into_iter().rev();
                self.set(*to, thread, value.fold(0, |word, byte| word << 8 | u64::from(byte)));
            }
            Operation::LoadShared { to, from, bytes } => {
                let from = self.shared_address(*from, thread);
                assert!(from.is_multiple_of(bytes * to.len()), "a vector load from {from} is not aligned");
                for (index, &to) in to.iter().enumerate() {
                    let value = self.shared.read(from + index * bytes, *bytes);
                    self.set(to, thread, value);
                }
            }
            Operation::Copy { to, from, bytes, filled } => {
                let filled = filled.map_or(*bytes, |filled| self.value(filled, thread) as u32 as usize);
                let (to, from) = (self.shared_address(*to, thread), self.address(*from, thread));
                let mut copied = self.global_bytes(from, filled);
                assert!(
                    from.is_multiple_of(*bytes as u64) || filled == 0,
                    "a copy from {from} is not aligned"
                );
                assert!(filled <= *bytes, "a copy of {bytes} byte is to take {filled}");
                copied.resize(*bytes, 0);
                self.shared.copy(thread, to, copied);
            }
            Operation::Store { to, from, bytes } => self.write(*to, from, *bytes, thread, |_, new| new),
            Operation::Add { to, from } => self.write(*to, from, 4, thread, |old, new| {
                (f32::from_bits(old) + f32::from_bits(new)).to_bits()
            }),
            other => panic!("{other:?} is not for one thread"),
        }
    }

    /// `count` bytes of an operand; of none, the address may be anywhere (section "cp.async").
    fn global_bytes(&self, from: u64, count: usize) -> Vec<u8> {
        if count == 0 {
            return Vec::new();
        }
        let which = usize::from(from >= BASES[1]);
        let start = (from - BASES[which]) as usize;
        self.global.operands[which][start..start + count].to_vec()
    }

    /// Writes sources of so many bytes, of which each may hold several elements.
    fn write(
        &mut self,
        to: Address,
        from: &[Source],
        bytes: usize,
        thread: usize,
        merge: fn(u32, u32) -> u32,
    ) {
        let first = (self.address(to, thread) - BASES[2]) as usize;
        assert!(first.is_multiple_of(bytes * from.len()), "a store to {first} is not aligned");
        let size = self.global.element_byte;
        let parts = (0..from.len() * bytes / size).map(|part| (part, from[part * size / bytes]));
        for (part, source) in parts {
            let new = self.value(source, thread) >> (8 * (part * size % bytes));
            let new = if size == 2 { u32::from(new as u16) } else { new as u32 };
            let element = first / size + part;
            self.global.product[element] = merge(self.global.product[element], new);
            self.global.writes[element] += 1;
        }
    }

    /// Section "ldmatrix": lanes 8i to 8i+7 hold the addresses of the rows of matrix i; lane l gets word l%4 of row l/4.
    fn load_matrix(&mut self, to: &[usize], from: Address) {
        for warp in (0..self.block.threads).step_by(WARP) {
            for (matrix, &to) in to.iter().enumerate() {
                for lane in 0..WARP {
                    let row = self.shared_address(from, warp + 8 * matrix + lane / 4);
                    assert!(row.is_multiple_of(16), "a row of a matrix at {row} is not aligned");
                    let word = self.shared.read(row + lane % 4 * 4, 4);
                    self.set(to, warp + lane, word);
                }
            }
        }
    }

    /// Section "shfl.sync".
    fn exchange(&mut self, to: usize, [from, lane, clamp]: [Source; 3], is_butterfly: bool) {
        for warp in (0..self.block.threads).step_by(WARP) {
            let values: Vec<u64> = (0..WARP).map(|lane| self.value(from, warp + lane)).collect();
            for own in 0..WARP {
                let wanted = self.value(lane, warp + own) as usize % WARP;
                let segments = (self.value(clamp, warp + own) >> 8) as usize & 31;
                let source = if is_butterfly { own ^ wanted } else { own & segments | wanted & !segments };
                let last = own & segments | !segments & 31;
                self.set(to, warp + own, values[if source <= last { source } else { own }]);
            }
        }
    }

    /// Section "Matrix Fragments for mma.m16n8k16 with floating point type".
    fn multiply_add(&mut self, to: &[usize], [a, b, c]: [&[Source]; 3], is_bfloat: bool) {
        let decode = |bits: u16| {
            if is_bfloat { f64::from(bf16::from_bits(bits)) } else { f64::from(f16::from_bits(bits)) }
        };
        for warp in (0..self.block.threads).step_by(WARP) {
            let mut left = [[0.0; 16]; 16];
            let mut right = [[0.0; 16]; 8];
            for lane in 0..WARP {
                let (group, t) = (lane / 4, lane % 4);
                for half in 0..2 {
                    for index in 0..4 {
                        let word = self.value(a[index], warp + lane) >> (16 * half);
                        left[group + index % 2 * 8][2 * t + half + index / 2 * 8] = decode(word as u16);
                    }
                    for index in 0..2 {
                        let word = self.value(b[index], warp + lane) >> (16 * half);
                        right[group][2 * t + half + index * 8] = decode(word as u16);
                    }
                }
            }
            for lane in 0..WARP {
                for index in 0..4 {
                    let (row, column) = (lane / 4 + index / 2 * 8, lane % 4 * 2 + index % 2);
                    let product: f64 = left[row].iter().zip(&right[column]).map(|(x, y)| x * y).sum();
                    let old = f32::from_bits(self.value(c[index], warp + lane) as u32);
                    let sum = (f64::from(old) + product) as f32;
                    self.set(to[index], warp + lane, u64::from(sum.to_bits()));
                }
            }
        }
    }

    fn value(&self, source: Source, thread: usize) -> u64 {
        match source {
            Source::Register(register) => self.registers[register * self.block.threads + thread],
            Source::Constant(constant) => constant,
            Source::Thread => thread as u64,
            Source::BlockX => u64::from(self.block.index[0]),
            Source::BlockY => u64::from(self.block.index[1]),
            Source::BlockZ => u64::from(self.block.index[2]),
        }
    }

    fn set(&mut self, register: usize, thread: usize, value: u64) {
        self.registers[register * self.block.threads + thread] = value;
    }

    fn address(&self, address: Address, thread: usize) -> u64 {
        self.value(Source::Register(address.register), thread).wrapping_add_signed(address.offset)
    }

    fn shared_address(&self, address: Address, thread: usize) -> usize {
        (self.address(address, thread) - SHARED_BASE) as usize
    }
}
