// Fragments: what a warp holds of an operand for one slice of the depth.
//
// A slice is 16 deep, or 32 if an operand has four-bit numbers: as much as a chunk of the narrow operand holds in either case,
// and one or two steps of the tensor cores. In each step `mma.m16n8k16` wants in lane 4g+t, of row g of eight, k = 2t and 2t+1 in
// one register and 2t+8 and 2t+9 in the next, in both operands alike.

constexpr bool IS_MIXED = bits(ELEMENT_A) != bits(ELEMENT_B);
constexpr u32 STEPS = bits(ELEMENT_A) == 4 || bits(ELEMENT_B) == 4 ? 2 : 1;

// Scale and zero point of each eight rows, in both halves; of nothing if the operand has none.
template <class O, bool IS_SCALED = O::IS_SCALED>
struct Scales {};

template <class O>
struct Scales<O, true> {
  u32 scales[O::WARP_ROWS / 8];
  u32 zeros[HAS_ZEROS ? O::WARP_ROWS / 8 : 1];
};

template <class O>
struct Fragment : Scales<O> {
  static constexpr u32 BLOCKS = O::WARP_ROWS / 8;
  // Two registers a step for each eight rows; of narrow elements, not yet converted, one for all steps.
  static constexpr u32 WORDS = O::IS_NARROW ? BLOCKS : 2 * STEPS * BLOCKS;
  u32 words[WORDS];

  // Where the register of eight rows is that holds the lower or upper half of a step, in the order in which `mma` wants them side
  // by side: of A, sixteen rows at a time, the lower half of all before the upper; of B, both halves of each eight.
  static __device__ constexpr u32 index(u32 block, u32 step, u32 half) {
    const u32 pair = step * BLOCKS * 2;
    return O::IS_A ? pair + block / 2 * 4 + half * 2 + block % 2 : pair + block * 2 + half;
  }
};

// How the operand gets from shared memory to registers.
enum class Load { Matrices, Pairs, Words };

template <class O>
__device__ constexpr Load load_of() {
  if (O::IS_NARROW && LAYOUT == Layout::NarrowLoads) return Load::Pairs;
  return !O::IS_NARROW && IS_MIXED && LAYOUT == Layout::KPermuted ? Load::Words : Load::Matrices;
}

// Where this lane begins to load the first slice of a warp's rows, from the start of the tile on.
template <class O>
__device__ u32 first_offset(u32 first_row) {
  const u32 group = lane() / 4, t = lane() % 4;
  if constexpr (load_of<O>() == Load::Pairs) return opaque(O::offset(first_row + group, bits(O::ELEMENT) / 4 * t));
  if constexpr (load_of<O>() == Load::Words) return opaque(O::offset(first_row + group, 8 * STEPS * t));
  // Lanes 8i to 8i+7 say where the rows of matrix i are. Narrow, it is the eight rows number i; wide, A goes through the
  // rows first and B through the halves, as `Fragment::index` does.
  const u32 matrix = lane() / 8;
  const u32 block = O::IS_NARROW ? matrix : O::IS_A ? matrix % 2 : matrix / 2;
  const u32 half = O::IS_NARROW ? 0 : O::IS_A ? matrix / 2 : matrix % 2;
  return opaque(O::offset(first_row + block * 8 + lane() % 8, half * 16));
}

// Matrices from `FIRST` on, four at a time, as far as there are four.
template <class O, u32 FIRST, u32 TOTAL>
__device__ void load_by_matrix(u32 *out, u32 address) {
  if constexpr (FIRST < TOTAL) {
    constexpr u32 LEFT = TOTAL - FIRST, COUNT = LEFT >= 4 ? 4 : LEFT >= 2 ? 2 : 1;
    constexpr u32 ROWS = FIRST / (O::IS_NARROW ? 1 : 2) * 8;
    load_matrices<COUNT>(out + FIRST, address + ROWS * O::PITCH_BYTE);
    load_by_matrix<O, FIRST + COUNT, TOTAL>(out, address);
  }
}

// The narrow operand, two elements at a time, from where the tensor cores want them.
template <class O>
__device__ u32 load_by_pair(u32 address) {
  if constexpr (bits(O::ELEMENT) == 8) return permute<0x5410>(load_pair(address), load_pair(address + 8));
  const u32 low = permute<0x5140>(load_byte(address), load_byte(address + 4));
  const u32 high = permute<0x5140>(load_byte(address + 8), load_byte(address + 12));
  return permute<0x5410>(low, high);
}

// The wide operand in the order in which `ldmatrix` leaves the narrow one: of each row, a lane gets as many consecutive k as a
// register holds narrow elements.
template <class O>
__device__ void load_by_word(Fragment<O> &fragment, u32 block, u32 address) {
  u32 words[2 * STEPS];
  if constexpr (STEPS == 1) {
    load_two_words(words, address);
  } else {
    load_four_words(words, address);
  }
#pragma unroll
  for (u32 word = 0; word < 2 * STEPS; ++word) {
    fragment.words[Fragment<O>::index(block, word / 2, word % 2)] = words[word];
  }
}

// `tile`: the operand's shared memory of this step; `offset`: what `first_offset` says.
template <class O>
__device__ void load_fragment(Fragment<O> &fragment, u32 tile, u32 offset, u32 slice) {
  constexpr u32 BLOCKS = Fragment<O>::BLOCKS, CHUNKS = O::IS_NARROW ? 1 : 2 * STEPS;
  if constexpr (load_of<O>() == Load::Matrices) {
    constexpr u32 PARTS = O::IS_NARROW ? 1 : STEPS, MATRICES = Fragment<O>::WORDS / PARTS;
#pragma unroll
    for (u32 part = 0; part < PARTS; ++part) {
      const u32 address = tile + O::further(offset, slice * CHUNKS + part * 2);
      load_by_matrix<O, 0, MATRICES>(fragment.words + part * MATRICES, address);
    }
  } else {
    const u32 address = tile + O::further(offset, slice * CHUNKS);
#pragma unroll
    for (u32 block = 0; block < BLOCKS; ++block) {
      if constexpr (O::IS_NARROW) {
        fragment.words[block] = load_by_pair<O>(address + block * 8 * O::PITCH_BYTE);
      } else {
        load_by_word<O>(fragment, block, address + block * 8 * O::PITCH_BYTE);
      }
    }
  }
}

__device__ u32 load_global_pair(const u8 *address) {
  u16 value;
  asm("ld.global.nc.u16 %0, [%1];" : "=h"(value) : "l"(address));
  return permute<0x1010>(value, 0);
}

// `scales`: those of this product; `first_row`: this warp's; `depth`: where the slice begins, in one group as a whole. Beyond the
// operand's edge elements are zero, and any scale will do that can be read.
template <class O>
__device__ void load_scales(Fragment<O> &fragment, const u8 *scales, u32 first_row, u32 depth) {
  if constexpr (O::IS_SCALED) {
    const u32 group = min(depth / GROUP, O::GROUPS - 1);
#pragma unroll
    for (u32 block = 0; block < Fragment<O>::BLOCKS; ++block) {
      const u32 row = min(first_row + block * 8 + lane() / 4, O::ALL_ROWS - 1);
      const u8 *scale = scales + (u64(group) * O::ALL_ROWS + row) * 2;
      fragment.scales[block] = load_global_pair(scale);
      if constexpr (HAS_ZEROS) fragment.zeros[block] = load_global_pair(scale + u64(BATCH) * O::GROUPS * O::ALL_ROWS * 2);
    }
  }
}

// Elements less their zero point, times their scale, each rounded.
template <class O, Element WIDE>
__device__ void scale_words(const Fragment<O> &fragment, u32 block, u32 (&words)[2]) {
#pragma unroll
  for (u32 &word : words) {
    if constexpr (WIDE == Element::F16) {
      if constexpr (HAS_ZEROS) word = subtract_halves(word, fragment.zeros[block]);
      word = multiply_halves(word, fragment.scales[block]);
    } else {
      if constexpr (HAS_ZEROS) word = multiply_add_bfloats(word, BFLOATS_1, fragment.zeros[block] ^ BFLOATS_MINUS_0);
      word = multiply_add_bfloats(word, fragment.scales[block], BFLOATS_MINUS_0);
    }
  }
}

// Exchanges between the four lanes of a row, after which each holds what the tensor cores want of it.
template <Element NARROW>
__device__ u32 exchange(u32 x) {
  const u32 t = lane() % 4;
  if constexpr (bits(NARROW) == 8) {
    // Lane t has pairs 2t and 2t+1 and wants pairs t and t+4, which lanes t/2 and t/2+2 have, both in the same half.
    const u32 low = __shfl_sync(~0u, x, t / 2, 4), high = __shfl_sync(~0u, x, t / 2 + 2, 4);
    u32 out;
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(out) : "r"(low), "r"(high), "r"(t % 2 ? 0x7632 : 0x5410));
    return out;
  } else {
    // Byte j of lane t goes to byte t of lane j: the transpose of four by four, first of its quarters, then within them.
    const u32 far = __shfl_xor_sync(~0u, x, 2, 4);
    u32 halves, out;
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(halves) : "r"(x), "r"(far), "r"(t / 2 ? 0x3276 : 0x5410));
    const u32 near = __shfl_xor_sync(~0u, halves, 1, 4);
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(out) : "r"(halves), "r"(near), "r"(t % 2 ? 0x3715 : 0x6240));
    return out;
  }
}

// What the tensor cores take of eight rows in one step.
template <class O, Element WIDE, u32 STEP>
__device__ void operand_words(const Fragment<O> &fragment, u32 block, u32 (&out)[2]) {
  if constexpr (O::IS_NARROW) {
    convert<O::ELEMENT, WIDE, CONVERSION, STEP>(fragment.words[block], out);
    if constexpr (O::IS_SCALED) scale_words<O, WIDE>(fragment, block, out);
  } else {
    out[0] = fragment.words[Fragment<O>::index(block, STEP, 0)];
    out[1] = fragment.words[Fragment<O>::index(block, STEP, 1)];
  }
}
