//! The source of one kernel of the family.

use tapeout_simulators::gpu_gemm::{Conversion, ElementType, Gemm, Layout, Output, Swizzle, Tile};

use crate::launch::LaunchGeometry;

const TYPES: &str = include_str!("kernel/types.cu");
const FAMILY: [&str; 4] = [
    include_str!("kernel/shared.cu"),
    include_str!("kernel/convert.cu"),
    include_str!("kernel/fragment.cu"),
    include_str!("kernel/gemm.cu"),
];

/// CUDA C++ that computes one product with one tile.
///
/// The kernel takes three pointers: the first operand, `m` rows of `k` elements; the second, `n` rows of `k`; the
/// product, `m` rows of `n` elements; those of a batch one after another. Rows of operands begin
/// [`Gemm::row_pitch_byte`] apart, those of the product are contiguous. Operands are aligned to 16 byte, the product to 8. The
/// narrow operand, if there is one, is stored as [`NarrowOrder`](crate::NarrowOrder) says; behind it stand its scales, if it has
/// any, first by product, then by group, then by row, and behind those its zero points, all in the wide type.
///
/// ```
/// # use tapeout_gpu::KernelSource;
/// # use tapeout_simulators::gpu_gemm::{Gemm, Operands, Tile};
/// let gemm = Gemm::new(3456, 4096, 2048, Operands::F16_U8);
/// let source = KernelSource::for_tile(&Tile::default(), &gemm);
/// assert!(source.text().contains("constexpr u32 BLOCK_M = 128;"));
/// assert_eq!(source.launch().grid, [864, 1, 1]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelSource {
    text: String,
    launch: LaunchGeometry,
}

impl KernelSource {
    /// The name of the kernel in the compiled module.
    pub const ENTRY: &str = "tapeout_gemm";

    /// The kernel of `tile` for `gemm`, which must break no
    /// [`StaticRule`](tapeout_simulators::gpu_gemm::StaticRule); one that does is refused on compiling or computes nonsense.
    pub fn for_tile(tile: &Tile, gemm: &Gemm) -> Self {
        let constants = constants(tile, gemm);
        let text = [TYPES, &constants].into_iter().chain(FAMILY).collect::<Vec<_>>().join("\n");
        Self { text, launch: LaunchGeometry::of(tile, gemm) }
    }

    /// The whole source: one text that includes nothing.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the kernel is launched with.
    pub const fn launch(&self) -> LaunchGeometry {
        self.launch
    }
}

/// The constants that make one kernel of the family.
fn constants(tile: &Tile, gemm: &Gemm) -> String {
    let numbers = [
        ("BLOCK_M", tile.block_m),
        ("BLOCK_N", tile.block_n),
        ("BLOCK_K", tile.block_k),
        ("WARP_M", tile.warp_m),
        ("WARP_N", tile.warp_n),
        ("STAGES", tile.stages),
        ("COPY_BYTE", tile.copy_byte),
        ("MIN_BLOCKS", tile.min_blocks),
        ("RASTER_GROUP", tile.raster_group),
        ("SPLIT_K", tile.split_k),
        ("GEMM_M", gemm.m),
        ("GEMM_N", gemm.n),
        ("GEMM_K", gemm.k),
        ("BATCH", gemm.batch),
        ("ALIGNMENT_BYTE", gemm.alignment_byte),
        ("GROUP", gemm.scaling.map_or(0, |scaling| scaling.group)),
    ];
    let has_zeros = gemm.scaling.is_some_and(|scaling| scaling.zero_points);
    let has_zeros = format!("constexpr bool HAS_ZEROS = {has_zeros};\n");
    let choices = [
        ("Element", "ELEMENT_A", element(gemm.operands.a())),
        ("Element", "ELEMENT_B", element(gemm.operands.b())),
        ("Output", "OUTPUT", output(gemm.output)),
        ("Swizzle", "SWIZZLE", swizzle(tile.swizzle)),
        ("Conversion", "CONVERSION", conversion(tile.conversion)),
        ("Layout", "LAYOUT", layout(tile.layout)),
    ];
    let numbers = numbers.map(|(name, value)| format!("constexpr u32 {name} = {value};\n"));
    let choices = choices.map(|(kind, name, value)| format!("constexpr {kind} {name} = {kind}::{value};\n"));
    numbers.concat() + &has_zeros + &choices.concat()
}

const fn element(element: ElementType) -> &'static str {
    match element {
        ElementType::F16 => "F16",
        ElementType::Bf16 => "Bf16",
        ElementType::U8 => "U8",
        ElementType::S8 => "S8",
        ElementType::U4 => "U4",
        ElementType::S4 => "S4",
        ElementType::E4m3 => "E4m3",
        ElementType::E5m2 => "E5m2",
        ElementType::E2m1 => "E2m1",
    }
}

const fn output(output: Output) -> &'static str {
    match output {
        Output::F32 => "F32",
        Output::F16 => "F16",
        Output::Bf16 => "Bf16",
    }
}

const fn swizzle(swizzle: Swizzle) -> &'static str {
    match swizzle {
        Swizzle::None => "None",
        Swizzle::Xor => "Xor",
        Swizzle::Pad16 => "Pad16",
    }
}

const fn conversion(conversion: Conversion) -> &'static str {
    match conversion {
        Conversion::Naive => "Naive",
        Conversion::Unpacked => "Unpacked",
        Conversion::Fast => "Fast",
        Conversion::Alternative => "Alternative",
    }
}

const fn layout(layout: Layout) -> &'static str {
    match layout {
        Layout::Shuffle => "Shuffle",
        Layout::NarrowLoads => "NarrowLoads",
        Layout::Prepermuted => "Prepermuted",
        Layout::KPermuted => "KPermuted",
    }
}
