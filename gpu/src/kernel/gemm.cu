// C = A B^T on the tensor cores, sums in single precision: A is M by K, B is N by K, C is M by N, rows contiguous.
//
// One kernel of a family: generated constants, between `types.cu` and `shared.cu`, say which. The main loop keeps `STAGES` steps of both operands in shared memory,
// all but one of them under way, and converts the narrow operand, if there is one, in registers.

using OperandA = Operand<true, ELEMENT_A, BLOCK_M, WARP_M>;
using OperandB = Operand<false, ELEMENT_B, BLOCK_N, WARP_N>;

template <bool IS_FIRST, class First, class Second>
struct Either {
  using Type = First;
};
template <class First, class Second>
struct Either<false, First, Second> {
  using Type = Second;
};

constexpr Element WIDE = OperandA::IS_NARROW ? ELEMENT_B : ELEMENT_A;
constexpr u32 STAGE_BYTE = OperandA::TILE_BYTE + OperandB::TILE_BYTE;
constexpr u32 SLICES = BLOCK_K / (16 * STEPS);
constexpr u32 MMA_M = WARP_M / 16, MMA_N = WARP_N / 8;

// Steps cover the depth; slices of it take turns in being a step longer where they do not come out even.
constexpr u32 ALL_STEPS = (GEMM_K + BLOCK_K - 1) / BLOCK_K;
constexpr bool IS_EVEN = ALL_STEPS % SPLIT_K == 0;
__device__ u32 first_step(u32 slice) {
  return IS_EVEN ? slice * (ALL_STEPS / SPLIT_K) : slice * ALL_STEPS / SPLIT_K;
}

// Fragments are loaded a slice ahead if a thread has the registers for it. The limit is what `__launch_bounds__` leaves: a quarter
// of a multiprocessor's 65536 registers for a quarter of its warps, in steps of eight, at most 255 for a thread.
constexpr u32 WARPS_OF_QUARTER = (MIN_BLOCKS * THREADS / 32 + 3) / 4;
constexpr u32 REGISTERS_LEFT = 65536 / 4 / 32 / WARPS_OF_QUARTER / 8 * 8;
constexpr u32 REGISTER_LIMIT = REGISTERS_LEFT < 255 ? REGISTERS_LEFT : 255;
constexpr u32 REGISTER_RESERVE = 32;  // addresses, counters, elements being converted; found by compiling
constexpr u32 FRAGMENT_WORDS = sizeof(Fragment<OperandA>) / 4 + sizeof(Fragment<OperandB>) / 4;
constexpr bool AHEAD = MMA_M * MMA_N * 4 + 2 * FRAGMENT_WORDS + REGISTER_RESERVE <= REGISTER_LIMIT;

// Bytes from the start of a row to where the slice of this block begins.
template <class O>
__device__ u64 slice_byte() {
  if constexpr (IS_EVEN) return blockIdx.y * (u64(ALL_STEPS / SPLIT_K) * O::ROW_BYTE);
  return first_step(blockIdx.y) * u64(O::ROW_BYTE);
}

struct Fragments {
  Fragment<OperandA> a;
  Fragment<OperandB> b;
};

// Where a lane finds its part of both operands, from the start of their tiles on; the scales of a narrow one, and this warp's first
// row of it.
struct Offsets {
  u32 a, b;
  const u8 *scales;
  u32 row_a, row_b;
};

// `depth`: where the step begins.
__device__ void load_fragments(Fragments &fragments, u32 stage, const Offsets &offsets, u32 slice, u32 depth) {
  load_scales<OperandA>(fragments.a, offsets.scales, offsets.row_a, depth + slice * 16 * STEPS);
  load_scales<OperandB>(fragments.b, offsets.scales, offsets.row_b, depth + slice * 16 * STEPS);
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
  constexpr u32 ROWS = (GEMM_M + BLOCK_M - 1) / BLOCK_M, COLUMNS = (GEMM_N + BLOCK_N - 1) / BLOCK_N;
  const u32 group = blockIdx.x / (RASTER_GROUP * COLUMNS), inside = blockIdx.x % (RASTER_GROUP * COLUMNS);
  const u32 first = group * RASTER_GROUP, left = ROWS - first;
  const u32 height = ROWS % RASTER_GROUP == 0 || left > RASTER_GROUP ? RASTER_GROUP : left;
  // Opaque, or the division is made in 64 bits, where the result is wanted, by a call.
  return {opaque(first + inside % height), opaque(inside / height)};
}

// An element of the product in memory.
using Written = typename Either<OUTPUT == Output::F32, float, u16>::Type;
constexpr Element ROUNDED = OUTPUT == Output::F16 ? Element::F16 : Element::Bf16;
static_assert(OUTPUT == Output::F32 || SPLIT_K == 1, "slices are added up in single precision");

__device__ void write(Written *c, float low, float high) {
  if constexpr (OUTPUT != Output::F32) {
    asm volatile("st.global.u32 [%0], %1;" ::"l"(c), "r"(pack_rounded<ROUNDED>(low, high)) : "memory");
  } else if constexpr (SPLIT_K == 1) {
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

// The same of two neighbours of which perhaps one, perhaps none, is an element of the product. Guarded, not branched around: threads
// of a block stay together.
__device__ void write_one_inside(Written *c, float value, bool is_inside) {
  if constexpr (OUTPUT != Output::F32) {
    const u16 rounded = u16(pack_rounded<ROUNDED>(value, value));
    asm volatile("{\n.reg .pred %%inside;\nsetp.ne.s32 %%inside, %2, 0;\n@%%inside st.global.u16 [%0], %1;\n}"
                 ::"l"(c), "h"(rounded), "r"(int(is_inside)) : "memory");
  } else if constexpr (SPLIT_K == 1) {
    asm volatile("{\n.reg .pred %%inside;\nsetp.ne.s32 %%inside, %2, 0;\n@%%inside st.global.f32 [%0], %1;\n}"
                 ::"l"(c), "f"(value), "r"(int(is_inside)) : "memory");
  } else {
    asm volatile("{\n.reg .pred %%inside;\nsetp.ne.s32 %%inside, %2, 0;\n@%%inside red.relaxed.gpu.global.add.f32 [%0], %1;\n}"
                 ::"l"(c), "f"(value), "r"(int(is_inside)) : "memory");
  }
}

constexpr bool HAS_EDGE = OperandA::HAS_LAST_ROW || OperandB::HAS_LAST_ROW || GEMM_N % 2 != 0;

__device__ void write_inside(Written *c, float low, float high, u32 row, u32 column) {
  if constexpr (!HAS_EDGE) {
    write(c, low, high);
  } else {
    write_one_inside(c, low, row < GEMM_M && column < GEMM_N);
    write_one_inside(c + 1, high, row < GEMM_M && column + 1 < GEMM_N);
  }
}

extern "C" __global__ void __launch_bounds__(THREADS, MIN_BLOCKS)
    tapeout_gemm(const u8 *__restrict__ a, const u8 *__restrict__ b, float *__restrict__ c) {
  extern __shared__ __align__(128) u8 memory[];
  const u32 shared = shared_address(memory);
  const Place tile = place();
  const u32 warp = threadIdx.x / 32;
  const u32 warp_m = warp % (BLOCK_M / WARP_M) * WARP_M, warp_n = warp / (BLOCK_M / WARP_M) * WARP_N;
  using Narrow = typename Either<OperandA::IS_NARROW, OperandA, OperandB>::Type;
  const u8 *scales = (OperandA::IS_NARROW ? a : b) + BATCH * (Narrow::ALL_ROWS * Narrow::GLOBAL_PITCH_BYTE) +
                     blockIdx.z * (u64(Narrow::GROUPS) * Narrow::ALL_ROWS * 2);
  const Offsets offsets = {first_offset<OperandA>(warp_m), first_offset<OperandB>(warp_n), scales,
                           tile.m * BLOCK_M + warp_m, tile.n * BLOCK_N + warp_n};

  if constexpr (BATCH > 1) {
    a += blockIdx.z * (GEMM_M * OperandA::GLOBAL_PITCH_BYTE);
    b += blockIdx.z * (GEMM_N * OperandB::GLOBAL_PITCH_BYTE);
  }
  const u32 begin = first_step(blockIdx.y);
  const u32 n_steps = IS_EVEN ? ALL_STEPS / SPLIT_K : first_step(blockIdx.y + 1) - begin;
  const u64 origin_a = u64(tile.m * BLOCK_M) * OperandA::GLOBAL_PITCH_BYTE + slice_byte<OperandA>();
  Copies<OperandA> copies_a(a + origin_a, tile.m * BLOCK_M, begin);
  const u64 origin_b = u64(tile.n * BLOCK_N) * OperandB::GLOBAL_PITCH_BYTE + slice_byte<OperandB>();
  Copies<OperandB> copies_b(b + origin_b, tile.n * BLOCK_N, begin);

#pragma unroll 1
  for (u32 stage = 0; stage < STAGES - 1; ++stage) {
    copies_a.start<1>(shared + stage * STAGE_BYTE, 0, stage < n_steps);
    copies_b.start<1>(shared + stage * STAGE_BYTE + OperandA::TILE_BYTE, 0, stage < n_steps);
    copies_a.advance();
    copies_b.advance();
    close_group();
  }
  await_groups<STAGES - 2>();

  Sums sums = {};
  Fragments now, next;
  u32 reading = shared, writing = shared + (STAGES - 1) * STAGE_BYTE;
  if constexpr (AHEAD) load_fragments(next, reading, offsets, 0, begin * BLOCK_K);

#pragma unroll 1
  for (u32 step = 0; step < n_steps; ++step) {
    u32 following = reading == shared + (STAGES - 1) * STAGE_BYTE ? shared : reading + STAGE_BYTE;
    // After the last step there is nothing new to load; a branch here would cost a move of every register.
    if (step + 1 == n_steps) following = reading;

#pragma unroll
    for (u32 slice = 0; slice < SLICES; ++slice) {
      // The stage that was read last is free: since then all threads have met.
      copies_a.start<SLICES>(writing, slice, step + STAGES - 1 < n_steps);
      copies_b.start<SLICES>(writing + OperandA::TILE_BYTE, slice, step + STAGES - 1 < n_steps);
      if (slice + 1 == SLICES) close_group();
      if constexpr (AHEAD) {
        now = next;
        if (slice + 1 < SLICES) {
          load_fragments(next, reading, offsets, slice + 1, (begin + step) * BLOCK_K);
        } else {
          await_groups<STAGES - 2>();
          load_fragments(next, following, offsets, 0, (begin + step + 1) * BLOCK_K);
        }
      } else {
        load_fragments(now, reading, offsets, slice, (begin + step) * BLOCK_K);
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
  Written *out = reinterpret_cast<Written *>(c) + u64(row) * GEMM_N + column;
  if constexpr (BATCH > 1) out += blockIdx.z * (u64(GEMM_M) * GEMM_N);
#pragma unroll
  for (u32 m = 0; m < MMA_M; ++m) {
#pragma unroll
    for (u32 n = 0; n < MMA_N; ++n) {
      const u32 r = row + m * 16, s = column + n * 8;
      write_inside(out + u64(m * 16) * GEMM_N + n * 8, sums[m][n][0], sums[m][n][1], r, s);
      write_inside(out + u64(m * 16 + 8) * GEMM_N + n * 8, sums[m][n][2], sums[m][n][3], r + 8, s);
    }
  }
}
