// C = A B^T in single precision on the tensor cores: A is M by K, B is N by K, C is M by N, rows contiguous.
//
// One kernel of a family: generated constants, between `types.cu` and `shared.cu`, say which. The main loop keeps `STAGES` steps of both operands in shared memory,
// all but one of them under way, and converts the narrow operand, if there is one, in registers.

using OperandA = Operand<true, ELEMENT_A, BLOCK_M, WARP_M>;
using OperandB = Operand<false, ELEMENT_B, BLOCK_N, WARP_N>;

constexpr Element WIDE = OperandA::IS_NARROW ? ELEMENT_B : ELEMENT_A;
constexpr u32 STAGE_BYTE = OperandA::TILE_BYTE + OperandB::TILE_BYTE;
constexpr u32 SLICES = BLOCK_K / (16 * STEPS);
constexpr u32 MMA_M = WARP_M / 16, MMA_N = WARP_N / 8;
constexpr u32 TILE_STEPS = GEMM_K / SPLIT_K / BLOCK_K;

// Fragments are loaded a slice ahead if a thread has the registers for it. The limit is what `__launch_bounds__` leaves: a quarter
// of a multiprocessor's 65536 registers for a quarter of its warps, in steps of eight, at most 255 for a thread.
constexpr u32 WARPS_OF_QUARTER = (MIN_BLOCKS * THREADS / 32 + 3) / 4;
constexpr u32 REGISTERS_LEFT = 65536 / 4 / 32 / WARPS_OF_QUARTER / 8 * 8;
constexpr u32 REGISTER_LIMIT = REGISTERS_LEFT < 255 ? REGISTERS_LEFT : 255;
constexpr u32 REGISTER_RESERVE = 32;  // addresses, counters, elements being converted; found by compiling
constexpr u32 FRAGMENT_WORDS = sizeof(Fragment<OperandA>) / 4 + sizeof(Fragment<OperandB>) / 4;
constexpr bool AHEAD = MMA_M * MMA_N * 4 + 2 * FRAGMENT_WORDS + REGISTER_RESERVE <= REGISTER_LIMIT;

struct Fragments {
  Fragment<OperandA> a;
  Fragment<OperandB> b;
};

// Where a lane finds its part of both operands, from the start of their tiles on.
struct Offsets {
  u32 a, b;
};

__device__ void load_fragments(Fragments &fragments, u32 stage, Offsets offsets, u32 slice) {
  load_fragment<OperandA>(fragments.a, stage, offsets.a, slice);
  load_fragment<OperandB>(fragments.b, stage + OperandA::TILE_BYTE, offsets.b, slice);
}

__device__ void multiply_add(float (&sum)[4], const u32 (&a)[2][2], const u32 (&b)[2]) {
  // Rows 0 to 7 and 8 to 15 of A, first the lower half of the depth, then the upper.
  if constexpr (WIDE == Element::F16) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0][0]), "r"(a[1][0]), "r"(a[0][1]), "r"(a[1][1]), "r"(b[0]), "r"(b[1]));
  } else {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0][0]), "r"(a[1][0]), "r"(a[0][1]), "r"(a[1][1]), "r"(b[0]), "r"(b[1]));
  }
}

using Sums = float[MMA_M][MMA_N][4];

// One step of the tensor cores. A narrow operand is converted in the outer loop, once for each of its blocks. The exception is a wide A
// whose words do not lie as `mma` wants them: they are moved for each new use, so each is used up while it lies there.
template <u32 STEP>
__device__ void multiply_step(Sums &sums, const Fragments &fragments) {
  u32 a[2][2];
  if constexpr (OperandB::IS_NARROW && load_of<OperandA>() == Load::Matrices) {
#pragma unroll
    for (u32 n = 0; n < MMA_N; ++n) {
      u32 b[2];
      operand_words<OperandB, WIDE, STEP>(fragments.b, n, b);
#pragma unroll
      for (u32 m = 0; m < MMA_M; ++m) {
        operand_words<OperandA, WIDE, STEP>(fragments.a, 2 * m, a[0]);
        operand_words<OperandA, WIDE, STEP>(fragments.a, 2 * m + 1, a[1]);
        multiply_add(sums[m][n], a, b);
      }
    }
  } else {
    u32 b[MMA_N][2];
#pragma unroll
    for (u32 n = 0; n < MMA_N; ++n) operand_words<OperandB, WIDE, STEP>(fragments.b, n, b[n]);
#pragma unroll
    for (u32 m = 0; m < MMA_M; ++m) {
      operand_words<OperandA, WIDE, STEP>(fragments.a, 2 * m, a[0]);
      operand_words<OperandA, WIDE, STEP>(fragments.a, 2 * m + 1, a[1]);
#pragma unroll
      for (u32 n = 0; n < MMA_N; ++n) multiply_add(sums[m][n], a, b[n]);
    }
  }
}

template <class O>
__device__ void exchange_all(Fragment<O> &fragment) {
  if constexpr (O::IS_NARROW && LAYOUT == Layout::Shuffle) {
#pragma unroll
    for (u32 block = 0; block < Fragment<O>::BLOCKS; ++block) {
      fragment.words[block] = exchange<O::ELEMENT>(fragment.words[block]);
    }
  }
}

__device__ void multiply_slice(Sums &sums, Fragments &fragments) {
  exchange_all(fragments.a);
  exchange_all(fragments.b);
  multiply_step<0>(sums, fragments);
  if constexpr (STEPS == 2) multiply_step<1>(sums, fragments);
}

// The tile of this block: groups of `RASTER_GROUP` rows of tiles, each walked through column by column.
struct Place {
  u32 m, n;
};

__device__ Place place() {
  constexpr u32 ROWS = GEMM_M / BLOCK_M, COLUMNS = GEMM_N / BLOCK_N;
  const u32 group = blockIdx.x / (RASTER_GROUP * COLUMNS), inside = blockIdx.x % (RASTER_GROUP * COLUMNS);
  const u32 first = group * RASTER_GROUP, left = ROWS - first;
  const u32 height = ROWS % RASTER_GROUP == 0 || left > RASTER_GROUP ? RASTER_GROUP : left;
  // Opaque, or the division is made in 64 bits, where the result is wanted, by a call.
  return {opaque(first + inside % height), opaque(inside / height)};
}

__device__ void write(float *c, float low, float high) {
  if constexpr (SPLIT_K == 1) {
    asm volatile("st.global.v2.f32 [%0], {%1, %2};" ::"l"(c), "f"(low), "f"(high) : "memory");
  } else {
#if __CUDA_ARCH__ >= 900
    asm volatile("red.relaxed.gpu.global.add.v2.f32 [%0], {%1, %2};" ::"l"(c), "f"(low), "f"(high) : "memory");
#else
    asm volatile("red.relaxed.gpu.global.add.f32 [%0], %1;" ::"l"(c), "f"(low) : "memory");
    asm volatile("red.relaxed.gpu.global.add.f32 [%0], %1;" ::"l"(c + 1), "f"(high) : "memory");
#endif
  }
}

extern "C" __global__ void __launch_bounds__(THREADS, MIN_BLOCKS)
    tapeout_gemm(const u8 *__restrict__ a, const u8 *__restrict__ b, float *__restrict__ c) {
  extern __shared__ __align__(128) u8 memory[];
  const u32 shared = shared_address(memory);
  const Place tile = place();
  const u32 warp = threadIdx.x / 32;
  const u32 warp_m = warp % (BLOCK_M / WARP_M) * WARP_M, warp_n = warp / (BLOCK_M / WARP_M) * WARP_N;
  const Offsets offsets = {first_offset<OperandA>(warp_m), first_offset<OperandB>(warp_n)};

  constexpr u64 SLICE_A = OperandA::GLOBAL_PITCH_BYTE / SPLIT_K, SLICE_B = OperandB::GLOBAL_PITCH_BYTE / SPLIT_K;
  Copies<OperandA> copies_a(a + u64(tile.m * BLOCK_M) * OperandA::GLOBAL_PITCH_BYTE + blockIdx.y * SLICE_A);
  Copies<OperandB> copies_b(b + u64(tile.n * BLOCK_N) * OperandB::GLOBAL_PITCH_BYTE + blockIdx.y * SLICE_B);

#pragma unroll 1
  for (u32 stage = 0; stage < STAGES - 1; ++stage) {
    copies_a.start<1>(shared + stage * STAGE_BYTE, 0, stage < TILE_STEPS);
    copies_b.start<1>(shared + stage * STAGE_BYTE + OperandA::TILE_BYTE, 0, stage < TILE_STEPS);
    copies_a.advance();
    copies_b.advance();
    close_group();
  }
  await_groups<STAGES - 2>();

  Sums sums = {};
  Fragments now, next;
  u32 reading = shared, writing = shared + (STAGES - 1) * STAGE_BYTE;
  if constexpr (AHEAD) load_fragments(next, reading, offsets, 0);

#pragma unroll 1
  for (u32 step = 0; step < TILE_STEPS; ++step) {
    u32 following = reading == shared + (STAGES - 1) * STAGE_BYTE ? shared : reading + STAGE_BYTE;
    // After the last step there is nothing new to load; a branch here would cost a move of every register.
    if (step + 1 == TILE_STEPS) following = reading;

#pragma unroll
    for (u32 slice = 0; slice < SLICES; ++slice) {
      // The stage that was read last is free: since then all threads have met.
      copies_a.start<SLICES>(writing, slice, step + STAGES - 1 < TILE_STEPS);
      copies_b.start<SLICES>(writing + OperandA::TILE_BYTE, slice, step + STAGES - 1 < TILE_STEPS);
      if (slice + 1 == SLICES) close_group();
      if constexpr (AHEAD) {
        now = next;
        if (slice + 1 < SLICES) {
          load_fragments(next, reading, offsets, slice + 1);
        } else {
          await_groups<STAGES - 2>();
          load_fragments(next, following, offsets, 0);
        }
      } else {
        load_fragments(now, reading, offsets, slice);
      }
      multiply_slice(sums, now);
    }
    if constexpr (!AHEAD) await_groups<STAGES - 2>();
    copies_a.advance();
    copies_b.advance();
    writing = reading;
    reading = following;
  }

  const u32 row = tile.m * BLOCK_M + warp_m + lane() / 4, column = tile.n * BLOCK_N + warp_n + lane() % 4 * 2;
  float *out = c + u64(row) * GEMM_N + column;
#pragma unroll
  for (u32 m = 0; m < MMA_M; ++m) {
#pragma unroll
    for (u32 n = 0; n < MMA_N; ++n) {
      write(out + u64(m * 16) * GEMM_N + n * 8, sums[m][n][0], sums[m][n][1]);
      write(out + u64(m * 16 + 8) * GEMM_N + n * 8, sums[m][n][2], sums[m][n][3]);
    }
  }
}
