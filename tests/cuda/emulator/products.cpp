// Matrix products under the names of hipBLAS (which CuPy's ROCm wheel calls) and of cuBLAS (which
// fastnn calls by address). Matrices are column-major; sums are made in double precision.
#include <cstdio>
#include <vector>

#include "runtime.h"

namespace {

enum Status { success = 0, invalid_value = 7, not_supported = 15 };

struct Handle {
    void* stream = nullptr;
    int pointer_mode = 0, math_mode = 0;
};

// C (m, n) = alpha op(A) op(B) + beta C; with beta = 0, C is not read.
template <class T>
void product(bool ta, bool tb, int m, int n, int k, T alpha, const T* A, long lda, const T* B,
             long ldb, T beta, T* C, long ldc)
{
    std::vector<double> a((size_t)m * k), column(m);
    for (int p = 0; p < k; ++p)
        for (int i = 0; i < m; ++i) a[(size_t)p * m + i] = ta ? A[p + i * lda] : A[i + p * lda];
    for (int j = 0; j < n; ++j) {
        for (int i = 0; i < m; ++i) column[i] = 0;
        for (int p = 0; p < k; ++p) {
            const double b = tb ? B[j + p * ldb] : B[p + j * ldb];
            const double* from = &a[(size_t)p * m];
            for (int i = 0; i < m; ++i) column[i] += from[i] * b;
        }
        for (int i = 0; i < m; ++i) {
            T& c = C[i + j * ldc];
            c = (T)(alpha * column[i]) + (beta == 0 ? (T)0 : beta * c);
        }
    }
}

// What cuBLAS checks before it computes.
int wrong(bool ta, bool tb, int m, int n, int k, long lda, long ldb, long ldc)
{
    const auto too_small = [](long ld, int rows) { return ld < (rows > 1 ? rows : 1); };
    const bool bad = m < 0 || n < 0 || k < 0 || too_small(lda, ta ? k : m) ||
                     too_small(ldb, tb ? n : k) || too_small(ldc, m);
    if (bad) std::fprintf(stderr, "emulated GPU: a product with sizes that cuBLAS refuses\n");
    return bad;
}

template <class T>
int gemm(Handle* h, bool ta, bool tb, int m, int n, int k, const T* alpha, const T* A, int lda,
         long long stride_a, const T* B, int ldb, long long stride_b, const T* beta, T* C, int ldc,
         long long stride_c, int batches)
{
    if (wrong(ta, tb, m, n, k, lda, ldb, ldc)) return invalid_value;
    if (h->pointer_mode != 0) return not_supported;  // the scalars are read now, on the host
    const T al = *alpha, be = *beta;
    emulated::counters.products++;
    return emulated::enqueue(h->stream, [=] {
        for (int s = 0; s < batches; ++s)
            product(ta, tb, m, n, k, al, A + s * stride_a, lda, B + s * stride_b, ldb, be,
                    C + s * stride_c, ldc);
    }) ? invalid_value : success;
}

}  // namespace

#define GEMM(name, T, transposed)                                                              \
    int name(void* h, int ta, int tb, int m, int n, int k, const T* alpha, const T* A, int lda, \
             const T* B, int ldb, const T* beta, T* C, int ldc)                                 \
    {                                                                                           \
        return gemm<T>((Handle*)h, ta != transposed - 1, tb != transposed - 1, m, n, k, alpha,  \
                       A, lda, 0, B, ldb, 0, beta, C, ldc, 0, 1);                               \
    }
#define BATCHED(name, T, transposed)                                                           \
    int name(void* h, int ta, int tb, int m, int n, int k, const T* alpha, const T* A, int lda, \
             long long sa, const T* B, int ldb, long long sb, const T* beta, T* C, int ldc,     \
             long long sc, int batches)                                                         \
    {                                                                                           \
        return gemm<T>((Handle*)h, ta != transposed - 1, tb != transposed - 1, m, n, k, alpha,  \
                       A, lda, sa, B, ldb, sb, beta, C, ldc, sc, batches);                      \
    }

extern "C" {

int hipblasCreate(void** h) { *h = new Handle; return success; }
int hipblasDestroy(void* h) { delete (Handle*)h; return success; }
int hipblasSetStream(void* h, void* stream)
{
    // CuPy for CUDA refuses cuBLAS while capturing; its ROCm build does not, so it is done here.
    if (emulated::is_capturing(stream)) {
        std::fprintf(stderr, "emulated GPU: a product by CuPy while a stream captures\n");
        return not_supported;
    }
    ((Handle*)h)->stream = stream;
    return success;
}
int hipblasGetStream(void* h, void** stream) { *stream = ((Handle*)h)->stream; return success; }
int hipblasSetPointerMode(void* h, int mode) { ((Handle*)h)->pointer_mode = mode; return success; }
int hipblasGetPointerMode(void* h, int* mode) { *mode = ((Handle*)h)->pointer_mode; return success; }
int hipblasSetMathMode(void* h, int mode) { ((Handle*)h)->math_mode = mode; return success; }
GEMM(hipblasSgemm, float, 112)
GEMM(hipblasDgemm, double, 112)
BATCHED(hipblasSgemmStridedBatched, float, 112)
BATCHED(hipblasDgemmStridedBatched, double, 112)

int cublasCreate_v2(void** h) { *h = new Handle; return success; }
int cublasDestroy_v2(void* h) { delete (Handle*)h; return success; }
int cublasSetStream_v2(void* h, void* stream) { ((Handle*)h)->stream = stream; return success; }
int cublasGetStream_v2(void* h, void** stream) { *stream = ((Handle*)h)->stream; return success; }
int cublasSetWorkspace_v2(void*, void* workspace, size_t bytes)
{
    return (uintptr_t)workspace % 256 || (!workspace && bytes) ? invalid_value : success;
}
int cublasSetPointerMode_v2(void* h, int mode) { ((Handle*)h)->pointer_mode = mode; return success; }
int cublasGetPointerMode_v2(void* h, int* mode) { *mode = ((Handle*)h)->pointer_mode; return success; }
int cublasSetMathMode(void* h, int mode) { ((Handle*)h)->math_mode = mode; return success; }
int cublasGetMathMode(void* h, int* mode) { *mode = ((Handle*)h)->math_mode; return success; }
int cublasGetVersion_v2(void*, int* version) { *version = 120900; return success; }
const char* cublasGetStatusString(int status) { return status ? "CUBLAS_STATUS_ERROR" : "CUBLAS_STATUS_SUCCESS"; }
GEMM(cublasSgemm_v2, float, 1)
GEMM(cublasDgemm_v2, double, 1)
BATCHED(cublasSgemmStridedBatched, float, 1)
BATCHED(cublasDgemmStridedBatched, double, 1)

}  // extern "C"
