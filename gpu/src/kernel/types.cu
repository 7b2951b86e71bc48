// Names and types. The files of this folder are compiled as one text, in the order types, generated constants, shared, convert,
// fragment, gemm, which needs no header of CUDA's.

using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;

enum class Element { F16, Bf16, U8, S8, U4, S4, E4m3, E5m2, E2m1 };
enum class Output { F32, F16, Bf16 };
enum class Swizzle { None, Xor, Pad16 };
enum class Conversion { Naive, Unpacked, Fast, Alternative };
enum class Layout { Shuffle, NarrowLoads, Prepermuted, KPermuted };

__device__ constexpr u32 bits(Element element) {
  if (element == Element::F16 || element == Element::Bf16) return 16;
  return element == Element::U4 || element == Element::S4 || element == Element::E2m1 ? 4 : 8;
}
