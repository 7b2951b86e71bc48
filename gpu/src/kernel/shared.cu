// Shared memory: where rows lie, how they are filled, how they are read.

constexpr u32 THREADS = 32 * (BLOCK_M / WARP_M) * (BLOCK_N / WARP_N);

// One operand: its type, its rows in a block and in a warp, and where its rows lie in shared memory.
template <bool IS_A_, Element ELEMENT_, u32 ROWS_, u32 WARP_ROWS_>
struct Operand {
  static constexpr bool IS_A = IS_A_;
  static constexpr Element ELEMENT = ELEMENT_;
  static constexpr u32 ROWS = ROWS_;
  static constexpr u32 WARP_ROWS = WARP_ROWS_;
  static constexpr bool IS_NARROW = bits(ELEMENT) < 16;

  // A row holds `BLOCK_K` elements in chunks of 16 byte, which a swizzle moves as one.
  static constexpr u32 ROW_BYTE = BLOCK_K * bits(ELEMENT) / 8;
  static constexpr u32 PITCH_BYTE = ROW_BYTE + (SWIZZLE == Swizzle::Pad16 ? 16 : 0);
  static constexpr u32 TILE_BYTE = ROWS * PITCH_BYTE;

  // Rows in global memory: how many, the bytes that hold elements, and the bytes from one to the next. Narrow ones are padded
  // with zeros, which are read like elements.
  static constexpr u32 ALL_ROWS = IS_A ? GEMM_M : GEMM_N;
  static constexpr u32 ELEMENT_BYTE = (GEMM_K * bits(ELEMENT) + 7) / 8;
  static constexpr u32 ALIGNMENT = IS_NARROW ? 16 : ALIGNMENT_BYTE;
  static constexpr u64 GLOBAL_PITCH_BYTE = (ELEMENT_BYTE + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  static constexpr u32 FILLED_BYTE = IS_NARROW ? u32(GLOBAL_PITCH_BYTE) : ELEMENT_BYTE;

  // A scale, and a zero point if there are any, for so many consecutive elements of a row; scales stand behind the rows of all
  // products, zero points behind all scales, both first by group, then by row, in the wide type.
  static constexpr bool IS_SCALED = IS_NARROW && GROUP != 0;
  static constexpr u32 GROUPS = IS_SCALED ? (GEMM_K + GROUP - 1) / GROUP : 0;

  // Whether some tile, or the last step, lies partly outside the operand.
  static constexpr bool HAS_LAST_ROW = ALL_ROWS % ROWS != 0;
  static constexpr bool HAS_LAST_BYTE = GEMM_K % BLOCK_K != 0;

  // Rows shorter than the eight chunks that all banks hold share a line of them: so many rows are permuted alike.
  static constexpr u32 CHUNKS = ROW_BYTE / 16;
  static constexpr u32 ALIKE = CHUNKS < 8 ? 8 / CHUNKS : 1;
  static constexpr u32 PERMUTATIONS = CHUNKS < 8 ? CHUNKS : 8;

  // By what the chunks of a row are permuted: an exclusive or with their number.
  static __device__ u32 permutation(u32 row) { return SWIZZLE == Swizzle::Xor ? row / ALIKE % PERMUTATIONS : 0; }

  // Bytes from the start of the tile to a byte of a row.
  static __device__ u32 offset(u32 row, u32 byte) {
    return row * PITCH_BYTE + (byte / 16 ^ permutation(row)) * 16 + byte % 16;
  }

  // The same place of a row `chunk` chunks further on; `chunk` has no bit in common with the chunk that `offset` is in.
  static __device__ u32 further(u32 offset, u32 chunk) {
    return SWIZZLE == Swizzle::Xor ? offset ^ chunk * 16 : offset + chunk * 16;
  }
};

// The same number, of whose bits the compiler knows nothing: sums with it stay sums, which addresses take for free.
__device__ u32 opaque(u32 x) {
  asm("mov.u32 %0, %0;" : "+r"(x));
  return x;
}

__device__ u32 lane() { return threadIdx.x % 32; }

__device__ u32 shared_address(const void *pointer) { return u32(__cvta_generic_to_shared(pointer)); }

__device__ void copy_async(u32 shared, const u8 *global) {
  if constexpr (COPY_BYTE == 16) {
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(shared), "l"(global) : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(shared), "l"(global), "n"(COPY_BYTE) : "memory");
  }
}

// Copies the first `filled` bytes and writes zeros after them; of none, `global` is not read (PTX ISA, section "cp.async").
__device__ void copy_async_filled(u32 shared, const u8 *global, u32 filled) {
  if constexpr (COPY_BYTE == 16) {
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(shared), "l"(global), "r"(filled) : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared), "l"(global), "n"(COPY_BYTE), "r"(filled)
                 : "memory");
  }
}

__device__ void close_group() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most `PENDING` groups of this thread are under way, then for the other threads.
template <u32 PENDING>
__device__ void await_groups() {
  asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
  __syncthreads();
}

// This thread's share of the copies of an operand, one step of the depth at a time.
template <class O>
struct Copies {
  static constexpr u32 PIECES = O::ROW_BYTE / COPY_BYTE;
  static constexpr u32 COPIES = O::ROWS * PIECES / THREADS;
  static_assert(COPIES * THREADS == O::ROWS * PIECES, "every thread copies as much");

  // Where threads are whole rows, each copies the same piece of every `STRIDE`th row; often these are permuted alike.
  static constexpr bool IS_COLUMN = THREADS % PIECES == 0;
  static constexpr u32 STRIDE = THREADS / PIECES;
  static constexpr bool IS_ALIKE = SWIZZLE != Swizzle::Xor || STRIDE % (O::ALIKE * O::PERMUTATIONS) == 0;

  static constexpr bool HAS_EDGE = O::HAS_LAST_ROW || O::HAS_LAST_BYTE;

  u32 row, byte, offset;
  const u8 *global;
  // Rows of the operand from the tile's first on, and bytes of a row from this step on, fewer than none after the last.
  u32 rows_left;
  int byte_left;

  // `origin`: row `first_row` of the operand, the first of the block's tile, at step `step`, the first.
  __device__ Copies(const u8 *origin, u32 first_row, u32 step) {
    row = IS_COLUMN ? threadIdx.x / PIECES : 0;
    byte = IS_COLUMN ? threadIdx.x % PIECES * COPY_BYTE : 0;
    offset = opaque(O::offset(row, byte));
    global = origin + row * O::GLOBAL_PITCH_BYTE + byte;
    rows_left = O::ALL_ROWS - first_row;
    byte_left = int(O::FILLED_BYTE) - int(step * O::ROW_BYTE);
  }

  // Starts part `part` of `PARTS` of the copies of one step, to the tile at `shared`, unless they are not wanted.
  template <u32 PARTS>
  __device__ void start(u32 shared, u32 part, bool is_wanted) {
    constexpr u32 COUNT = (COPIES + PARTS - 1) / PARTS;
    // Unrolled without limit, four bytes at a time, this is what compile time goes to.
#pragma unroll 16
    for (u32 index = 0; index < COUNT; ++index) {
      const u32 copy = part * COUNT + index;
      if (copy < COPIES && is_wanted) start_one(shared, copy);
    }
  }

  __device__ void start_one(u32 shared, u32 copy) {
    if constexpr (IS_COLUMN) {
      const u32 to = IS_ALIKE ? offset + copy * STRIDE * O::PITCH_BYTE : O::offset(row + copy * STRIDE, byte);
      copy_inside(shared + to, global + copy * (STRIDE * O::GLOBAL_PITCH_BYTE), row + copy * STRIDE, byte);
    } else {
      const u32 index = copy * THREADS + threadIdx.x;
      const u32 row = index / PIECES, byte = index % PIECES * COPY_BYTE;
      copy_inside(shared + O::offset(row, byte), global + row * O::GLOBAL_PITCH_BYTE + byte, row, byte);
    }
  }

  // One copy to `row` and `byte` of the tile, zeros where that is no part of the operand.
  __device__ void copy_inside(u32 to, const u8 *from, u32 row, u32 byte) {
    if constexpr (!HAS_EDGE) {
      copy_async(to, from);
    } else {
      u32 filled = COPY_BYTE;
      if constexpr (O::HAS_LAST_BYTE) filled = min(max(byte_left - int(byte), 0), int(COPY_BYTE));
      if constexpr (O::HAS_LAST_ROW) filled = row < rows_left ? filled : 0;
      copy_async_filled(to, from, filled);
    }
  }

  __device__ void advance() {
    global += O::ROW_BYTE;
    byte_left -= int(O::ROW_BYTE);
  }
};

// `N` matrices of eight rows of 16 byte; lane 4r+c gets bytes 4c to 4c+3 of row r of each. Lanes 8i to 8i+7 say where the rows
// of matrix i are.
template <u32 N>
__device__ void load_matrices(u32 *out, u32 address) {
  if constexpr (N == 4) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(address));
  } else if constexpr (N == 2) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                 : "=r"(out[0]), "=r"(out[1])
                 : "r"(address));
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(out[0]) : "r"(address));
  }
}

__device__ u32 load_byte(u32 address) {
  u32 value;
  asm volatile("ld.shared.u8 %0, [%1];" : "=r"(value) : "r"(address));
  return value;
}

__device__ u32 load_pair(u32 address) {
  u16 value;
  asm volatile("ld.shared.u16 %0, [%1];" : "=h"(value) : "r"(address));
  return value;
}

__device__ void load_two_words(u32 *out, u32 address) {
  asm volatile("ld.shared.v2.u32 {%0, %1}, [%2];" : "=r"(out[0]), "=r"(out[1]) : "r"(address));
}

__device__ void load_four_words(u32 *out, u32 address) {
  asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(address));
}
