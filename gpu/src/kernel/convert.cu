// Narrow numbers to floating point, in registers.
//
// `convert<NARROW, WIDE, RECIPE, STEP>(x, out)` makes four elements, two to a register. Of four bytes these are bytes 0 to 3 in order.
// Of eight four-bit numbers, `STEP` chooses the first four or the last; where the recipe wants them interleaved, pair i is
// numbers i and i + 4, else numbers 2i and 2i + 1.

template <u32 SELECTOR>
__device__ u32 permute(u32 x, u32 y) {
  u32 out;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(out) : "r"(x), "r"(y), "n"(SELECTOR));
  return out;
}

__device__ u32 subtract_halves(u32 x, u32 y) {
  u32 out;
  asm("sub.f16x2 %0, %1, %2;" : "=r"(out) : "r"(x), "r"(y));
  return out;
}

__device__ u32 multiply_add_halves(u32 x, u32 y, u32 z) {
  u32 out;
  asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(out) : "r"(x), "r"(y), "r"(z));
  return out;
}

__device__ u16 subtract_half(u16 x, u16 y) {
  u16 out;
  asm("sub.f16 %0, %1, %2;" : "=h"(out) : "h"(x), "h"(y));
  return out;
}

__device__ u16 multiply_add_half(u16 x, u16 y, u16 z) {
  u16 out;
  asm("fma.rn.f16 %0, %1, %2, %3;" : "=h"(out) : "h"(x), "h"(y), "h"(z));
  return out;
}

__device__ u32 multiply_halves(u32 x, u32 y) {
  u32 out;
  asm("mul.f16x2 %0, %1, %2;" : "=r"(out) : "r"(x), "r"(y));
  return out;
}

__device__ u16 multiply_half(u16 x, u16 y) {
  u16 out;
  asm("mul.f16 %0, %1, %2;" : "=h"(out) : "h"(x), "h"(y));
  return out;
}

__device__ u32 multiply_add_bfloats(u32 x, u32 y, u32 z) {
  u32 out;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(out) : "r"(x), "r"(y), "r"(z));
  return out;
}

__device__ u32 pack(u16 low, u16 high) { return u32(high) << 16 | low; }

template <Element WIDE>
__device__ u32 pack_rounded(float low, float high) {
  u32 out;
  if constexpr (WIDE == Element::F16) {
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(out) : "f"(high), "f"(low));
  } else {
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(out) : "f"(high), "f"(low));
  }
  return out;
}

__device__ float widen(u16 half) {
  float out;
  asm("cvt.f32.f16 %0, %1;" : "=f"(out) : "h"(half));
  return out;
}

__device__ u16 half_of(int x) {
  u16 out;
  asm("cvt.rn.f16.s16 %0, %1;" : "=h"(out) : "h"(short(x)));
  return out;
}

// Halves, most of them constants: integers from 1024 on are written in the lower bits of a half.
constexpr u32 HALVES_1024 = 0x64006400;
constexpr u32 HALVES_1032 = 0x64086408;
constexpr u32 HALVES_1152 = 0x64806480;
constexpr u32 HALVES_1536 = 0x66006600;
constexpr u32 HALVES_SIXTEENTH = 0x2C002C00;
constexpr u32 HALVES_MINUS_64 = 0xD400D400;
constexpr u32 HALVES_MINUS_72 = 0xD480D480;

// The same of bfloat16, whose lower seven bits hold integers from 128 on; and powers of two that make good what an exponent lacks
// that was moved from eight bits or four: 2^8 and 2^14 in a half, 2^112, 2^120 and 2^126 in a bfloat16.
constexpr u32 BFLOATS_128 = 0x43004300;
constexpr u32 BFLOATS_MINUS_128 = 0xC300C300;
constexpr u32 BFLOATS_MINUS_136 = 0xC308C308;
constexpr u32 BFLOATS_1 = 0x3F803F80;
constexpr u32 BFLOATS_MINUS_0 = 0x80008000;
constexpr u32 HALVES_256 = 0x5C005C00;
constexpr u32 HALVES_2_14 = 0x74007400;
constexpr u32 BFLOATS_2_112 = 0x77807780;
constexpr u32 BFLOATS_2_120 = 0x7B807B80;
constexpr u32 BFLOATS_2_126 = 0x7E807E80;

__device__ u32 subtract_halves_singly(u32 x, u32 y) {
  return pack(subtract_half(u16(x), u16(y)), subtract_half(u16(x >> 16), u16(y >> 16)));
}

__device__ u32 multiply_add_halves_singly(u32 x, u32 y, u32 z) {
  return pack(multiply_add_half(u16(x), u16(y), u16(z)), multiply_add_half(u16(x >> 16), u16(y >> 16), u16(z >> 16)));
}

template <bool PACKED>
__device__ u32 subtract_either_way(u32 x, u32 y) {
  if constexpr (PACKED) {
    return subtract_halves(x, y);
  } else {
    return subtract_halves_singly(x, y);
  }
}

template <bool PACKED>
__device__ u32 multiply_either_way(u32 x, u32 y) {
  if constexpr (PACKED) return multiply_halves(x, y);
  return pack(multiply_half(u16(x), u16(y)), multiply_half(u16(x >> 16), u16(y >> 16)));
}

template <bool PACKED>
__device__ u32 multiply_add_either_way(u32 x, u32 y, u32 z) {
  if constexpr (PACKED) {
    return multiply_add_halves(x, y, z);
  } else {
    return multiply_add_halves_singly(x, y, z);
  }
}

// Element `INDEX` as an integer.
template <Element NARROW, u32 INDEX>
__device__ int element(u32 x) {
  if constexpr (NARROW == Element::U8) return int(u8(x >> 8 * INDEX));
  if constexpr (NARROW == Element::S8) return int(static_cast<signed char>(x >> 8 * INDEX));
  if constexpr (NARROW == Element::U4) return int(x >> 4 * INDEX & 15);
  return int(x << (28 - 4 * INDEX)) >> 28;
}

// Element `INDEX`, a floating-point number of eight or four bits, in single precision: what stands for exponent and mantissa becomes those of
// a single, and a multiplication makes good the bias, of numbers below the least normal one too. Infinities and what is no
// number, of which weights have none, become finite; those of E5M2 are beyond half precision and become infinite there.
template <Element NARROW, u32 INDEX>
__device__ float small_float(u32 x) {
  constexpr u32 SIGN = 1 << (bits(NARROW) - 1);
  constexpr u32 MOVED = NARROW == Element::E4m3 ? 20 : NARROW == Element::E5m2 ? 21 : 22;
  constexpr u32 SCALE = NARROW == Element::E4m3 ? 0x7B800000 : NARROW == Element::E5m2 ? 0x77800000 : 0x7E800000;
  const u32 code = x >> bits(NARROW) * INDEX;
  return __int_as_float((code & SIGN) << (32 - bits(NARROW)) | (code & (SIGN - 1)) << MOVED) * __int_as_float(SCALE);
}

template <Element NARROW, Element WIDE, u32 FIRST>
__device__ void convert_small_floats_singly(u32 x, u32 (&out)[2]) {
  out[0] = pack_rounded<WIDE>(small_float<NARROW, FIRST>(x), small_float<NARROW, FIRST + 1>(x));
  out[1] = pack_rounded<WIDE>(small_float<NARROW, FIRST + 2>(x), small_float<NARROW, FIRST + 3>(x));
}

// Two floating-point numbers of eight bits, each in the upper half of its sixteen: as they are if their exponent has five bits and so
// has the wide one, else moved to the wide exponent's place and multiplied by what the bias lacks.
template <Element NARROW, Element WIDE, bool PACKED>
__device__ u32 widen_small_floats(u32 pair) {
  if constexpr (NARROW == Element::E5m2 && WIDE == Element::F16) {
    return pair;
  } else if constexpr (WIDE == Element::F16) {
    return multiply_either_way<PACKED>((pair & 0x80008000) | (pair >> 1 & 0x3F803F80), HALVES_256);
  } else if constexpr (NARROW == Element::E4m3) {
    return multiply_add_bfloats((pair & 0x80008000) | (pair >> 4 & 0x07F007F0), BFLOATS_2_120, BFLOATS_MINUS_0);
  } else {
    return multiply_add_bfloats((pair & 0x80008000) | (pair >> 3 & 0x0FE00FE0), BFLOATS_2_112, BFLOATS_MINUS_0);
  }
}

template <Element NARROW, Element WIDE, bool PACKED>
__device__ void convert_small_floats(u32 x, u32 (&out)[2]) {
  out[0] = widen_small_floats<NARROW, WIDE, PACKED>(permute<0x1404>(x, 0));
  out[1] = widen_small_floats<NARROW, WIDE, PACKED>(permute<0x3424>(x, 0));
}

// Floating-point numbers `PAIR` and `PAIR + 4` of four bits, each moved to the top of its sixteen and from there to the wide exponent's
// place, and multiplied by what the bias lacks.
template <Element WIDE, bool PACKED, u32 PAIR>
__device__ u32 widen_tiny_floats(u32 x) {
  const u32 pair = x << (12 - 4 * PAIR);
  if constexpr (WIDE == Element::F16) {
    return multiply_either_way<PACKED>((pair & 0x80008000) | (pair >> 3 & 0x0E000E00), HALVES_2_14);
  } else {
    return multiply_add_bfloats((pair & 0x80008000) | (pair >> 6 & 0x01C001C0), BFLOATS_2_126, BFLOATS_MINUS_0);
  }
}

template <Element WIDE, bool PACKED, u32 STEP>
__device__ void convert_tiny_floats(u32 x, u32 (&out)[2]) {
  out[0] = widen_tiny_floats<WIDE, PACKED, 2 * STEP>(x);
  out[1] = widen_tiny_floats<WIDE, PACKED, 2 * STEP + 1>(x);
}

// One conversion instruction for each element.
template <Element NARROW, Element WIDE, u32 FIRST>
__device__ void convert_naive(u32 x, u32 (&out)[2]) {
  const int first = element<NARROW, FIRST>(x), second = element<NARROW, FIRST + 1>(x);
  const int third = element<NARROW, FIRST + 2>(x), fourth = element<NARROW, FIRST + 3>(x);
  if constexpr (WIDE == Element::F16) {
    out[0] = pack(half_of(first), half_of(second));
    out[1] = pack(half_of(third), half_of(fourth));
  } else {
    out[0] = pack_rounded<WIDE>(float(first), float(second));
    out[1] = pack_rounded<WIDE>(float(third), float(fourth));
  }
}

// Bytes become the lower bits of 1024, of which the bias is taken away: 1024, or 1152 where signs were flipped.
template <bool PACKED>
__device__ void convert_biased_bytes(u32 x, u32 bias, u32 (&out)[2]) {
  out[0] = subtract_either_way<PACKED>(permute<0x5150>(x, 0x64646464), bias);
  out[1] = subtract_either_way<PACKED>(permute<0x5352>(x, 0x64646464), bias);
}

// Bytes with their sign replicated become the lower ten bits of 1536.
template <bool PACKED>
__device__ void convert_signed_bytes(u32 x, u32 (&out)[2]) {
  const u32 low = permute<0x9180>(x, x), high = permute<0xB3A2>(x, x);
  out[0] = subtract_either_way<PACKED>((low & 0x03FF03FF) ^ HALVES_1536, HALVES_1536);
  out[1] = subtract_either_way<PACKED>((high & 0x03FF03FF) ^ HALVES_1536, HALVES_1536);
}

// Bytes become the lower bits of a single: of 2^23, or added to 1.5 * 2^23 if signed.
template <Element NARROW, Element WIDE>
__device__ void convert_through_singles(u32 x, u32 (&out)[2]) {
  float single[4];
  if constexpr (NARROW == Element::U8) {
    constexpr u32 BIAS = 0x4B000000;
    single[0] = __int_as_float(permute<0x7440>(x, BIAS)) - 8388608.0f;
    single[1] = __int_as_float(permute<0x7441>(x, BIAS)) - 8388608.0f;
    single[2] = __int_as_float(permute<0x7442>(x, BIAS)) - 8388608.0f;
    single[3] = __int_as_float(permute<0x7443>(x, BIAS)) - 8388608.0f;
  } else {
    constexpr u32 BIAS = 0x4B400000;
    single[0] = __int_as_float(permute<0x8880>(x, x) + BIAS) - 12582912.0f;
    single[1] = __int_as_float(permute<0x9991>(x, x) + BIAS) - 12582912.0f;
    single[2] = __int_as_float(permute<0xAAA2>(x, x) + BIAS) - 12582912.0f;
    single[3] = __int_as_float(permute<0xBBB3>(x, x) + BIAS) - 12582912.0f;
  }
  out[0] = pack_rounded<WIDE>(single[0], single[1]);
  out[1] = pack_rounded<WIDE>(single[2], single[3]);
}

// What was made half precision first, in bfloat16.
__device__ void halves_to_bfloats(const u32 (&halves)[2], u32 (&out)[2]) {
  out[0] = pack_rounded<Element::Bf16>(widen(u16(halves[0])), widen(u16(halves[0] >> 16)));
  out[1] = pack_rounded<Element::Bf16>(widen(u16(halves[1])), widen(u16(halves[1] >> 16)));
}

// Four-bit numbers, interleaved: one mask finds numbers i and i + 4, another numbers i + 1 and i + 5, sixteenfold.
template <bool IS_SIGNED, bool PACKED, u32 STEP>
__device__ void convert_interleaved(u32 x, u32 (&out)[2]) {
  const u32 pairs = (IS_SIGNED ? x ^ 0x88888888 : x) >> 8 * STEP;
  const u32 low = (pairs & 0x000F000F) | HALVES_1024, high = (pairs & 0x00F000F0) | HALVES_1024;
  out[0] = subtract_either_way<PACKED>(low, IS_SIGNED ? HALVES_1032 : HALVES_1024);
  out[1] = multiply_add_either_way<PACKED>(high, HALVES_SIXTEENTH, IS_SIGNED ? HALVES_MINUS_72 : HALVES_MINUS_64);
}

// The same for bfloat16, whose mantissa has no room for the upper numbers sixteenfold: they are moved down.
template <bool IS_SIGNED, u32 STEP>
__device__ void convert_interleaved_to_bfloats(u32 x, u32 (&out)[2]) {
  const u32 pairs = IS_SIGNED ? x ^ 0x88888888 : x;
  const u32 low = (pairs >> 8 * STEP & 0x000F000F) | BFLOATS_128;
  const u32 high = (pairs >> (8 * STEP + 4) & 0x000F000F) | BFLOATS_128;
  out[0] = multiply_add_bfloats(low, BFLOATS_1, IS_SIGNED ? BFLOATS_MINUS_136 : BFLOATS_MINUS_128);
  out[1] = multiply_add_bfloats(high, BFLOATS_1, IS_SIGNED ? BFLOATS_MINUS_136 : BFLOATS_MINUS_128);
}

// Four-bit numbers in order: a byte into both halves of 1024, the lower number kept in one, the upper, sixteenfold, in the other.
template <bool IS_SIGNED, bool PACKED, u32 STEP>
__device__ void convert_in_order(u32 x, u32 (&out)[2]) {
  constexpr u32 KEPT = 0xFFF0FF0F, FLIPPED = IS_SIGNED ? 0x00800008 : 0;
  constexpr u32 SCALE = (HALVES_SIXTEENTH & 0xFFFF0000) | 0x3C00;
  constexpr u32 BIAS = IS_SIGNED ? 0xD480E408 : 0xD400E400;
  constexpr u32 BYTE = 2 * STEP;
  const u32 first = permute<0x4040 + 0x101 * BYTE>(x, 0x64646464);
  const u32 second = permute<0x4040 + 0x101 * (BYTE + 1)>(x, 0x64646464);
  out[0] = multiply_add_either_way<PACKED>((first & KEPT) ^ FLIPPED, SCALE, BIAS);
  out[1] = multiply_add_either_way<PACKED>((second & KEPT) ^ FLIPPED, SCALE, BIAS);
}

template <Element NARROW, Element WIDE, Conversion RECIPE, u32 STEP>
__device__ void convert(u32 x, u32 (&out)[2]) {
  constexpr bool PACKED = RECIPE != Conversion::Unpacked, ALTERNATIVE = RECIPE == Conversion::Alternative;
  constexpr bool IS_BYTE = bits(NARROW) == 8;
  constexpr bool IS_SIGNED = NARROW == Element::S8 || NARROW == Element::S4;
  if constexpr (NARROW == Element::E4m3 || NARROW == Element::E5m2 || NARROW == Element::E2m1) {
    if constexpr (RECIPE == Conversion::Naive || ALTERNATIVE) {
      convert_small_floats_singly<NARROW, WIDE, 4 * STEP>(x, out);
    } else if constexpr (NARROW == Element::E2m1) {
      convert_tiny_floats<WIDE, PACKED, STEP>(x, out);
    } else {
      convert_small_floats<NARROW, WIDE, PACKED>(x, out);
    }
  } else if constexpr (RECIPE == Conversion::Naive) {
    convert_naive<NARROW, WIDE, 4 * STEP>(x, out);
  } else if constexpr (!IS_BYTE && WIDE == Element::Bf16) {
    if constexpr (ALTERNATIVE) {
      u32 halves[2];
      convert_in_order<IS_SIGNED, true, STEP>(x, halves);
      halves_to_bfloats(halves, out);
    } else {
      convert_interleaved_to_bfloats<IS_SIGNED, STEP>(x, out);
    }
  } else if constexpr (!IS_BYTE) {
    if constexpr (IS_SIGNED == ALTERNATIVE) {
      convert_interleaved<IS_SIGNED, PACKED, STEP>(x, out);
    } else {
      convert_in_order<IS_SIGNED, PACKED, STEP>(x, out);
    }
  } else if constexpr (WIDE == Element::F16) {
    if constexpr (IS_SIGNED && ALTERNATIVE) {
      convert_biased_bytes<true>(x ^ 0x80808080, HALVES_1152, out);
    } else if constexpr (IS_SIGNED) {
      convert_signed_bytes<PACKED>(x, out);
    } else if constexpr (ALTERNATIVE) {
      convert_through_singles<NARROW, WIDE>(x, out);
    } else {
      convert_biased_bytes<PACKED>(x, HALVES_1024, out);
    }
  } else if constexpr (ALTERNATIVE) {
    u32 halves[2];
    convert_biased_bytes<true>(IS_SIGNED ? x ^ 0x80808080 : x, IS_SIGNED ? HALVES_1152 : HALVES_1024, halves);
    halves_to_bfloats(halves, out);
  } else {
    convert_through_singles<NARROW, WIDE>(x, out);
  }
}
