// Fragments: what a warp holds of an operand for one slice of the depth.
//
// A slice is 16 deep, or 32 if an operand has four-bit numbers: as much as a chunk of the narrow operand holds in either case,
// and one or two steps of the tensor cores. In each step `mma.m16n8k16` wants in lane 4g+t, of row g of eight, k = 2t and 2t+1 in
// one register and 2t+8 and 2t+9 in the next, in both operands alike.

constexpr bool IS_MIXED = bits(ELEMENT_A) != bits(ELEMENT_B);
constexpr u32 STEPS = bits(ELEMENT_A) == 4 || bits(ELEMENT_B) == 4 ? 2 : 1;

template <class O>
struct Fragment {
  static constexpr u32 BLOCKS = O::WARP_ROWS / 8;
  // Two registers a step for each eight rows; of narrow elements, not yet converted, one for all steps.
  static constexpr u32 REGISTERS = O::IS_NARROW ? 1 : 2 * STEPS;
  u32 words[BLOCKS][REGISTERS];
};

// Matrices from `FIRST` on; those of a wide operand alternate between the two halves of a step.
template <class O, u32 FIRST, u32 TOTAL>
__device__ void load_from(u32 *out, u32 tile, u32 first_row, u32 first_chunk) {
  if constexpr (FIRST < TOTAL) {
    constexpr u32 LEFT = TOTAL - FIRST, N = LEFT >= 4 ? 4 : LEFT >= 2 ? 2 : 1;
    constexpr u32 HALVES = O::IS_NARROW ? 1 : 2;
    const u32 matrix = FIRST + lane() / 8 % N;
    const u32 row = first_row + matrix / HALVES * 8 + lane() % 8;
    load_matrices<N>(out + FIRST, tile + O::offset(row, first_chunk + matrix % HALVES));
    load_from<O, FIRST + N, TOTAL>(out, tile, first_row, first_chunk);
  }
}

template <class O>
__device__ void load_by_matrix(Fragment<O> &fragment, u32 tile, u32 first_row, u32 slice) {
  constexpr u32 BLOCKS = Fragment<O>::BLOCKS;
  if constexpr (O::IS_NARROW) {
    load_from<O, 0, BLOCKS>(&fragment.words[0][0], tile, first_row, slice);
  } else {
#pragma unroll
    for (u32 step = 0; step < STEPS; ++step) {
      u32 words[2 * BLOCKS];
      load_from<O, 0, 2 * BLOCKS>(words, tile, first_row, 2 * (slice * STEPS + step));
#pragma unroll
      for (u32 block = 0; block < BLOCKS; ++block) {
        fragment.words[block][2 * step] = words[2 * block];
        fragment.words[block][2 * step + 1] = words[2 * block + 1];
      }
    }
  }
}

// The narrow operand, two elements at a time, from where the tensor cores want them.
template <class O>
__device__ void load_by_pair(Fragment<O> &fragment, u32 tile, u32 first_row, u32 slice) {
  const u32 group = lane() / 4, t = lane() % 4;
#pragma unroll
  for (u32 block = 0; block < Fragment<O>::BLOCKS; ++block) {
    const u32 row = tile + O::offset(first_row + block * 8 + group, slice);
    if constexpr (bits(O::ELEMENT) == 8) {
      fragment.words[block][0] = permute<0x5410>(load_pair(row + 2 * t), load_pair(row + 2 * t + 8));
    } else {
      const u32 low = permute<0x5140>(load_byte(row + t), load_byte(row + t + 4));
      const u32 high = permute<0x5140>(load_byte(row + t + 8), load_byte(row + t + 12));
      fragment.words[block][0] = permute<0x5410>(low, high);
    }
  }
}

// The wide operand in the order in which `ldmatrix` leaves the narrow one: of each row, lane t gets as many consecutive k as a
// register holds narrow elements.
template <class O>
__device__ void load_by_word(Fragment<O> &fragment, u32 tile, u32 first_row, u32 slice) {
  const u32 group = lane() / 4, t = lane() % 4;
#pragma unroll
  for (u32 block = 0; block < Fragment<O>::BLOCKS; ++block) {
    const u32 row = first_row + block * 8 + group;
    if constexpr (STEPS == 1) {
      load_two_words(fragment.words[block], tile + O::offset(row, 2 * slice + t / 2) + t % 2 * 8);
    } else {
      load_four_words(fragment.words[block], tile + O::offset(row, 4 * slice + t));
    }
  }
}

template <class O>
__device__ void load_fragment(Fragment<O> &fragment, u32 tile, u32 first_row, u32 slice) {
  if constexpr (O::IS_NARROW && LAYOUT == Layout::NarrowLoads) {
    load_by_pair<O>(fragment, tile, first_row, slice);
  } else if constexpr (!O::IS_NARROW && IS_MIXED && LAYOUT == Layout::KPermuted) {
    load_by_word<O>(fragment, tile, first_row, slice);
  } else {
    load_by_matrix<O>(fragment, tile, first_row, slice);
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
    convert<O::ELEMENT, WIDE, CONVERSION, STEP>(fragment.words[block][0], out);
  } else {
    out[0] = fragment.words[block][2 * STEP];
    out[1] = fragment.words[block][2 * STEP + 1];
  }
}
