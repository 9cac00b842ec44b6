// Half precision as far as CuPy's own headers name it; fastnn computes nothing in it.
#pragma once
struct __half { unsigned short bits; };
static inline __half __float2half_rn(float) { abort(); }
static inline __half __float2half(float) { abort(); }
static inline float __half2float(__half) { abort(); }
static inline unsigned short __half_as_ushort(__half h) { return h.bits; }
static inline __half __ushort_as_half(unsigned short u) { return __half{u}; }
