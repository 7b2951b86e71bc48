//! Reading PTX.

use std::collections::BTreeMap;

use super::arithmetic::{Pure, pure};

/// Where shared memory begins, so that addresses are no bare offsets.
pub const SHARED_BASE: u64 = 0x400;

/// A source of an instruction.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    Register(usize),
    Constant(u64),
    Thread,
    BlockX,
    BlockY,
    BlockZ,
}

/// An address: a register and an offset.
#[derive(Debug, Clone, Copy)]
pub struct Address {
    pub register: usize,
    pub offset: i64,
}

/// What an instruction does.
#[derive(Debug, Clone)]
pub enum Operation {
    Pure { function: Pure, to: usize, from: Vec<Source> },
    Unpack { to: [usize; 2], from: Source },
    Pack { to: usize, from: [Source; 2] },
    LoadParameter { to: usize, index: usize },
    LoadGlobal { to: usize, from: Address, bytes: usize },
    LoadShared { to: Vec<usize>, from: Address, bytes: usize },
    LoadMatrix { to: Vec<usize>, from: Address },
    Copy { to: Address, from: Address, bytes: usize, filled: Option<Source> },
    CloseGroup,
    Await { pending: usize },
    Barrier,
    Exchange { to: usize, from: Source, lane: Source, clamp: Source, is_butterfly: bool },
    MultiplyAdd { to: Vec<usize>, a: Vec<Source>, b: Vec<Source>, c: Vec<Source>, is_bfloat: bool },
    Store { to: Address, from: Vec<Source>, bytes: usize },
    Add { to: Address, from: Vec<Source> },
    Branch { target: usize },
    Return,
}

/// An instruction and its guard: a predicate register, and whether it must be set.
#[derive(Debug, Clone)]
pub struct Instruction {
    pub guard: Option<(usize, bool)>,
    pub operation: Operation,
    pub text: String,
}

/// A kernel.
#[derive(Debug)]
pub struct Program {
    pub instructions: Vec<Instruction>,
    pub n_registers: usize,
}

impl Program {
    /// Reads a PTX text with one entry.
    pub fn read(ptx: &str) -> Self {
        let lines: Vec<&str> = ptx.lines().map(|line| line.split("//").next().unwrap().trim()).collect();
        let body = lines.iter().position(|&line| line == "{").expect("the entry has a body");
        let mut reader = Reader::default();
        let code: Vec<&str> = lines[body + 1..]
            .iter()
            .copied()
            .filter(|line| !line.is_empty() && !line.starts_with('.') && !["{", "}"].contains(line))
            .collect();
        let mut index = 0;
        for line in &code {
            match line.strip_suffix(':') {
                Some(label) => _ = reader.labels.insert(label.to_owned(), index),
                None => index += 1,
            }
        }
        let instructions =
            code.iter().filter(|line| !line.ends_with(':')).map(|line| reader.instruction(line)).collect();
        Self { instructions, n_registers: reader.registers.len() }
    }
}

#[derive(Default)]
struct Reader {
    registers: BTreeMap<String, usize>,
    labels: BTreeMap<String, usize>,
}

impl Reader {
    fn instruction(&mut self, line: &str) -> Instruction {
        let text = line.to_owned();
        let line = line.strip_suffix(';').unwrap_or_else(|| panic!("not an instruction: {line}"));
        let (guard, line) = match line.strip_prefix('@') {
            Some(guarded) => {
                let (guard, rest) = guarded.split_once(char::is_whitespace).unwrap();
                let name = guard.trim_start_matches('!');
                (Some((self.register(name), !guard.starts_with('!'))), rest.trim())
            }
            None => (None, line),
        };
        let (opcode, operands) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let operation = self.operation(opcode, &operands_of(operands));
        Instruction { guard, operation, text }
    }

    fn operation(&mut self, opcode: &str, operands: &[String]) -> Operation {
        if let Some(operation) = self.memory_operation(opcode, operands) {
            return operation;
        }
        match opcode {
            "bar.sync" => Operation::Barrier,
            "ret" => Operation::Return,
            "bra" | "bra.uni" => Operation::Branch { target: self.labels[&operands[0]] },
            "mov.b32" if operands[0].starts_with('{') => {
                let to = self.registers_of(&operands[0]);
                Operation::Unpack { to: [to[0], to[1]], from: self.source(&operands[1]) }
            }
            "mov.b32" if operands[1].starts_with('{') => {
                let from = self.sources_of(&operands[1]);
                Operation::Pack { to: self.register(&operands[0]), from: [from[0], from[1]] }
            }
            _ if opcode.starts_with("shfl.sync.") => {
                let (value, _) = operands[0].split_once('|').unwrap_or((&operands[0], ""));
                Operation::Exchange {
                    to: self.register(value),
                    from: self.source(&operands[1]),
                    lane: self.source(&operands[2]),
                    clamp: self.source(&operands[3]),
                    is_butterfly: opcode.contains("bfly"),
                }
            }
            _ if opcode.starts_with("mma.sync.aligned.m16n8k16.row.col.f32.") => Operation::MultiplyAdd {
                to: self.registers_of(&operands[0]),
                a: self.sources_of(&operands[1]),
                b: self.sources_of(&operands[2]),
                c: self.sources_of(&operands[3]),
                is_bfloat: opcode.contains("bf16"),
            },
            _ => Operation::Pure {
                function: pure(opcode).unwrap_or_else(|| panic!("unknown instruction `{opcode}`")),
                to: self.register(&operands[0]),
                from: operands[1..].iter().map(|operand| self.source(operand)).collect(),
            },
        }
    }

    fn memory_operation(&mut self, opcode: &str, operands: &[String]) -> Option<Operation> {
        Some(match opcode {
            "cp.async.commit_group" => Operation::CloseGroup,
            "cp.async.wait_group" => Operation::Await { pending: operands[0].parse().unwrap() },
            "ld.param.u64" => {
                let index = operands[1].trim_end_matches(']').rsplit('_').next().unwrap();
                Operation::LoadParameter { to: self.register(&operands[0]), index: index.parse().unwrap() }
            }
            "ld.shared.u8" | "ld.shared.u16" | "ld.shared.v2.u32" | "ld.shared.v4.u32" => {
                let bytes = if opcode.ends_with("u8") {
                    1
                } else if opcode.ends_with("u16") {
                    2
                } else {
                    4
                };
                let (to, from) = (self.registers_of(&operands[0]), self.address(&operands[1]));
                Operation::LoadShared { to, from, bytes }
            }
            _ if opcode.starts_with("ldmatrix.sync.aligned.m8n8.x") => Operation::LoadMatrix {
                to: self.registers_of(&operands[0]),
                from: self.address(&operands[1]),
            },
            _ if opcode.starts_with("cp.async.c") => Operation::Copy {
                to: self.address(&operands[0]),
                from: self.address(&operands[1]),
                bytes: operands[2].parse().unwrap(),
                filled: operands.get(3).map(|filled| self.source(filled)),
            },
            "ld.global.nc.u16" => Operation::LoadGlobal {
                to: self.register(&operands[0]),
                from: self.address(&operands[1]),
                bytes: 2,
            },
            "st.global.f32" | "st.global.v2.f32" | "st.global.u32" | "st.global.u16" => Operation::Store {
                to: self.address(&operands[0]),
                from: self.sources_of(&operands[1]),
                bytes: if opcode.ends_with("u16") { 2 } else { 4 },
            },
            _ if opcode.starts_with("red.relaxed.gpu.global.add.") => {
                Operation::Add { to: self.address(&operands[0]), from: self.sources_of(&operands[1]) }
            }
            _ => return None,
        })
    }

    fn register(&mut self, name: &str) -> usize {
        assert!(name.starts_with('%'), "not a register: {name}");
        let next = self.registers.len();
        *self.registers.entry(name.to_owned()).or_insert(next)
    }

    fn registers_of(&mut self, list: &str) -> Vec<usize> {
        names(list).map(|name| self.register(name)).collect()
    }

    fn sources_of(&mut self, list: &str) -> Vec<Source> {
        names(list).map(|name| self.source(name)).collect()
    }

    fn source(&mut self, operand: &str) -> Source {
        match operand {
            "%tid.x" => Source::Thread,
            "%ctaid.x" => Source::BlockX,
            "%ctaid.y" => Source::BlockY,
            "%ctaid.z" => Source::BlockZ,
            "memory" => Source::Constant(SHARED_BASE),
            _ if operand.starts_with('%') => Source::Register(self.register(operand)),
            _ => match operand.strip_prefix("0f") {
                Some(bits) => Source::Constant(u64::from_str_radix(bits, 16).unwrap()),
                None => Source::Constant(operand.parse::<i64>().unwrap() as u64),
            },
        }
    }

    fn address(&mut self, operand: &str) -> Address {
        let inside = operand.trim_start_matches('[').trim_end_matches(']');
        let (register, offset) = inside.split_once('+').unwrap_or((inside, "0"));
        Address { register: self.register(register), offset: offset.parse().unwrap() }
    }
}

/// The names in a braced list, or the one name.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.trim_matches(['{', '}']).split(',').map(str::trim)
}

/// Operands between commas that are not inside braces.
fn operands_of(text: &str) -> Vec<String> {
    let mut operands = vec![String::new()];
    let mut depth = 0;
    for character in text.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if character == ',' && depth == 0 {
            operands.push(String::new());
        } else {
            operands.last_mut().unwrap().push(character);
        }
    }
    operands.iter().map(|operand| operand.trim().to_owned()).filter(|operand| !operand.is_empty()).collect()
}
