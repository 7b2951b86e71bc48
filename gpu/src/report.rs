//! What the compiler says of a kernel.

use crate::cubin::{CubinError, section_byte};
use crate::source::KernelSource;

/// Facts of a compiled kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileReport {
    /// Registers of a thread.
    pub registers: u32,
    /// Local memory of a thread.
    pub stack_byte: u32,
    /// Bytes that a thread stores for want of registers, each place in the code counted once.
    pub spill_store_byte: u32,
    /// Bytes that a thread loads back, counted likewise.
    pub spill_load_byte: u32,
    /// Shared memory of a block, all of it asked for on launch.
    pub shared_byte: u32,
    /// Machine code.
    pub code_byte: u64,
    /// What the code consists of.
    pub instructions: InstructionMix,
}

/// Instructions of a kernel's PTX by kind, each place in the code counted once.
///
/// PTX comes before registers are assigned and is what every NVRTC returns; machine code needs a disassembler to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InstructionMix {
    /// Tensor cores: `mma`.
    pub tensor: u32,
    /// Fragments from shared memory: `ldmatrix`.
    pub matrix_load: u32,
    /// Other loads from shared memory.
    pub shared_load: u32,
    /// Copies from global to shared memory: `cp.async`.
    pub copy: u32,
    /// Exchanges between lanes: `shfl`.
    pub exchange: u32,
    /// Byte permutes: `prmt`.
    pub permute: u32,
    /// Conversions between types, packing ones included: `cvt`.
    pub convert: u32,
    /// Half-precision arithmetic, in pairs or not.
    pub half: u32,
    /// Single-precision arithmetic.
    pub single: u32,
    /// All others.
    pub other: u32,
}

/// Why the compiler's log could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("compiler log: no number before `{what}`")]
pub struct CompilerLogError {
    /// What the number should stand before.
    pub what: &'static str,
}

/// Why there is no report of what was compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] CompilerLogError),
    /// The machine code could not be found.
    #[error(transparent)]
    Cubin(#[from] CubinError),
}

impl CompileReport {
    /// The report of a kernel from the compiler's log, made with `--ptxas-options=-v`, and what it compiled.
    pub(crate) fn read(
        log: &str,
        ptx: &str,
        image: &[u8],
        source: &KernelSource,
    ) -> Result<Self, ReportError> {
        let section = format!(".text.{}", KernelSource::ENTRY);
        Ok(Self {
            registers: number_before(log, " registers")?,
            stack_byte: number_before(log, " bytes stack frame")?,
            spill_store_byte: number_before(log, " bytes spill stores")?,
            spill_load_byte: number_before(log, " bytes spill loads")?,
            shared_byte: source.launch().shared_byte,
            code_byte: section_byte(image, &section)?,
            instructions: InstructionMix::of_ptx(ptx),
        })
    }
}

/// The number that ends where `what` begins.
fn number_before(log: &str, what: &'static str) -> Result<u32, CompilerLogError> {
    let before = log.find(what).map(|end| &log[..end]).ok_or(CompilerLogError { what })?;
    let digits = before.rsplit(|character: char| !character.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).ok_or(CompilerLogError { what })
}

impl InstructionMix {
    /// The instructions of a PTX text.
    pub fn of_ptx(ptx: &str) -> Self {
        let mut mix = Self::default();
        for line in ptx.lines().map(str::trim).filter(|line| line.ends_with(';') && !line.starts_with('.')) {
            // A guard, `@%p1` or `@!%p1`, stands before the instruction.
            let line = line.trim_start_matches('{').trim_start();
            let line =
                line.strip_prefix('@').and_then(|line| line.split_once(' ')).map_or(line, |(_, rest)| rest);
            let opcode = line.split_whitespace().next().unwrap_or_default().trim_end_matches(';');
            *mix.of_kind(opcode) += 1;
        }
        mix
    }

    /// All of them.
    pub const fn total(&self) -> u32 {
        let memory = self.matrix_load + self.shared_load + self.copy;
        let arithmetic = self.tensor + self.half + self.single + self.convert;
        memory + arithmetic + self.exchange + self.permute + self.other
    }

    fn of_kind(&mut self, opcode: &str) -> &mut u32 {
        let mut parts = opcode.split('.');
        let (name, kind) = (parts.next().unwrap_or_default(), parts.next_back().unwrap_or_default());
        let is_copy = opcode.starts_with("cp.async.c") && !opcode.starts_with("cp.async.commit");
        match (name, kind) {
            ("mma", _) => &mut self.tensor,
            ("ldmatrix", _) => &mut self.matrix_load,
            ("ld", _) if opcode.starts_with("ld.shared") => &mut self.shared_load,
            ("cp", _) if is_copy => &mut self.copy,
            ("shfl", _) => &mut self.exchange,
            ("prmt", _) => &mut self.permute,
            ("cvt", _) => &mut self.convert,
            ("add" | "sub" | "mul" | "fma", "f16" | "f16x2") => &mut self.half,
            ("add" | "sub" | "mul" | "fma", "f32") => &mut self.single,
            _ => &mut self.other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_the_log_of_the_assembler() {
        let log = "ptxas info    : Compiling entry function 'tapeout_gemm' for 'sm_80'\n\
                   ptxas         .     8 bytes stack frame, 16 bytes spill stores, 24 bytes spill loads\n\
                   ptxas info    : Used 255 registers, used 1 barriers, 376 bytes cmem[0]\n";
        let whats = [" registers", " bytes stack frame", " bytes spill stores", " bytes spill loads"];
        assert_eq!(whats.map(|what| number_before(log, what)), [Ok(255), Ok(8), Ok(16), Ok(24)]);
        let error = number_before("nothing", " registers").unwrap_err();
        assert_eq!(error.to_string(), "compiler log: no number before ` registers`");
    }

    #[test]
    fn instructions_are_counted_by_kind_and_directives_are_not() {
        let ptx = ".version 9.0\n.reg .b32 %r<5>;\n\tprmt.b32 %r1, %r2, %r3, 20816;\n\
                   \t{ sub.f16x2 %r1, %r2, %r3; }\n\tsub.f16x2 %r1, %r2, %r3;\n\t@%p1 bra $L__BB0_2;\n$L__BB0_2:\n\
                   \tcp.async.commit_group;\n\tcp.async.cg.shared.global [%r1], [%rd1], 16;\n\tret;\n";
        let mix = InstructionMix::of_ptx(ptx);
        let expected = InstructionMix { permute: 1, half: 1, copy: 1, other: 3, ..InstructionMix::default() };
        assert_eq!(mix, expected);
        assert_eq!(mix.total(), 6);
    }
}
