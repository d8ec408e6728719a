/* The steps of RNN, LSTM and GRU, forward and backward: an optional double of in_numpy.py. The same functions, with
 * arrays by address; each call is for `rows` rows of a batch of B, and p is a place for a product. setup.py compiles
 * this file once for each REAL (float, double) and each vector size; in_c.py loads what runs here. */
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define VECTOR 64 /* bytes of a register */
#elif defined(__AVX2__)
#define VECTOR 32
#else
#define VECTOR 16
#endif
#define PANEL (64 / (long)sizeof(REAL)) /* columns of W side by side in memory: a cache line */
#define VECTORS (64 / VECTOR)
#define IS_DOUBLE (sizeof(REAL) == 8)

typedef REAL vector __attribute__((vector_size(VECTOR)));
typedef union { float x; int32_t n; } bits_float;
typedef union { double x; int64_t n; } bits_double;
#define JOIN(a, b) a##b
#define BITS(real) JOIN(bits_, real)

int runs_here(void)
{
#if defined(__AVX512F__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma");
#elif defined(__AVX2__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return 1;
#endif
}

/* out (B, N) = b + v W with v (B, K), `tile` rows at a time, so that their sums stay in registers. In each of the
 * N / PANEL panels of W stand b and then the K rows of W. */
static inline __attribute__((always_inline)) void tiled(const int tile, long B, long K, long N, const REAL *v, long stride,
                                                        const vector *W, REAL *out)
{
    for (long n = 0; n < N; n += PANEL, W += (K + 1) * VECTORS)
        for (long b = 0; b < B; b += tile) {
            vector sum[8][VECTORS];
            const REAL *row[8];
            for (int i = 0; i < tile; i++) {
                row[i] = v + (b + i < B ? b + i : b) * stride; /* beyond the last, a row whose sum is not used */
                for (int j = 0; j < VECTORS; j++) sum[i][j] = W[j];
            }
            for (long k = 0; k < K; k++)
                for (int i = 0; i < tile; i++)
                    for (int j = 0; j < VECTORS; j++) sum[i][j] += row[i][k] * W[(k + 1) * VECTORS + j];
            for (int i = 0; i < tile && b + i < B; i++)
                if (N - n < PANEL)
                    memcpy(out + (b + i) * N + n, sum[i], (N - n) * sizeof(REAL));
                else
                    memcpy(out + (b + i) * N + n, sum[i], 64); /* of a fixed size: no call */
        }
}

static void product(long B, long K, long N, const REAL *v, long stride, const vector *W, REAL *out)
{
    if (VECTOR == 64 && B > 4)
        tiled(8, B, K, N, v, stride, W, out);
    else
        tiled(4, B, K, N, v, stride, W, out);
}

static const double series[] = {1, 1, 1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720, 1. / 5040, 1. / 40320, 1. / 362880,
                                1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800}; /* 1 / n! */

/* e^x - 1 with x = k ln 2 + r: the series of e^r - 1, and 2^k by its bits. Beyond ±top it stays what it is there. */
static inline REAL exp_minus_1(REAL x)
{
    const REAL top = IS_DOUBLE ? 700 : 87, round = IS_DOUBLE ? 0x1.8p52 : 0x1.8p23;
    const REAL ln2 = IS_DOUBLE ? 0x1.62e42fefa38p-1 : 0x1.62ep-1;
    const REAL ln2_rest = IS_DOUBLE ? 0x1.ef35793c7673p-45 : 0x1.0bfbe8p-15;
    x = x < -top ? -top : x > top ? top : x;
    BITS(REAL) power = {x * (REAL)1.4426950408889634 + round}, one = {1};
    REAL k = power.x - round, r = x - k * ln2 - k * ln2_rest, sum = 0;
    for (int n = IS_DOUBLE ? 13 : 7; n > 0; n--) sum = sum * r + (REAL)series[n];
    power.n = (power.n << (IS_DOUBLE ? 52 : 23)) + one.n;
    return power.x * (r * sum) + (power.x - 1);
}

static inline REAL sigmoid(REAL a) { return 1 / (2 + exp_minus_1(-a)); }

static inline REAL hyperbolic(REAL a)
{
    REAL e = exp_minus_1(2 * a);
    return e / (e + 2);
}

void rnn_forward(long T, long B, long rows, long D, long H, const vector *W_x, const vector *W_h, const REAL *x, REAL *a,
                 REAL *h, REAL *p)
{
    for (long t = 0; t < T; t++, x += B * D, a += B * H, h += B * H) {
        product(rows, D, H, x, D, W_x, a);
        product(rows, H, H, h, H, W_h, p);
        for (long b = 0; b < rows; b++) { /* row by row, so that no bit depends on how many there are */
            REAL *a_t = a + b * H, *p_t = p + b * H;
#pragma GCC ivdep
            for (long j = 0; j < H; j++) a_t[j] = hyperbolic(a_t[j] + p_t[j]);
        }
    }
}

void rnn_backward(long T, long B, long rows, long D, long H, const vector *W_x, const vector *W_h, REAL *dx,
                  const REAL *a, const REAL *dhs, REAL *da, REAL *dh)
{
    for (long t = T - 1; t >= 0; t--) {
        REAL *da_t = da + t * B * H;
        for (long b = 0; b < rows; b++) {
            const REAL *h = a + (t * B + b) * H, *dhs_t = dhs + (t * B + b) * H, *dh_t = dh + b * H;
            REAL *da_b = da_t + b * H;
#pragma GCC ivdep
            for (long j = 0; j < H; j++) da_b[j] = (dhs_t[j] + dh_t[j]) * (1 - h[j] * h[j]);
        }
        product(rows, H, D, da_t, H, W_x, dx + t * B * D);
        product(rows, H, H, da_t, H, W_h, dh);
    }
}

void lstm_forward(long T, long B, long rows, long D, long H, const vector *W_x, const vector *W_h, const REAL *x,
                  REAL *a, REAL *h, REAL *c, REAL *p)
{
    for (long t = 0; t < T; t++, x += B * D, a += B * 4 * H, h += B * H, c += B * H) {
        product(rows, D, 4 * H, x, D, W_x, a);
        product(rows, H, 4 * H, h, H, W_h, p);
        for (long b = 0; b < rows; b++) {
            REAL *a_i = a + b * 4 * H, *a_f = a_i + H, *a_g = a_f + H, *a_o = a_g + H;
            REAL *p_i = p + b * 4 * H, *p_f = p_i + H, *p_g = p_f + H, *p_o = p_g + H;
            REAL *c_prev = c + b * H, *c_t = c_prev + B * H, *h_t = h + (B + b) * H;
#pragma GCC ivdep
            for (long j = 0; j < H; j++) {
                a_i[j] = sigmoid(a_i[j] + p_i[j]);
                a_f[j] = sigmoid(a_f[j] + p_f[j]);
                a_g[j] = hyperbolic(a_g[j] + p_g[j]);
                a_o[j] = sigmoid(a_o[j] + p_o[j]);
                c_t[j] = a_f[j] * c_prev[j] + a_i[j] * a_g[j];
                h_t[j] = a_o[j] * hyperbolic(c_t[j]);
            }
        }
    }
}

void lstm_backward(long T, long B, long rows, long D, long H, const vector *W_x, const vector *W_h, REAL *dx,
                   const REAL *a, const REAL *c, const REAL *dhs, REAL *da, REAL *dh, REAL *dc)
{
    for (long t = T - 1; t >= 0; t--) {
        for (long b = 0; b < rows; b++) {
            const long row = t * B + b;
            const REAL *i = a + row * 4 * H, *f = i + H, *g = f + H, *o = g + H;
            const REAL *c_prev = c + row * H, *c_t = c_prev + B * H, *dhs_t = dhs + row * H;
            REAL *da_i = da + row * 4 * H, *da_f = da_i + H, *da_g = da_f + H, *da_o = da_g + H;
            REAL *dh_t = dh + b * H, *dc_t = dc + b * H;
#pragma GCC ivdep
            for (long j = 0; j < H; j++) {
                REAL tanh_c = hyperbolic(c_t[j]), dh_j = dhs_t[j] + dh_t[j];
                REAL dc_j = dc_t[j] + dh_j * o[j] * (1 - tanh_c * tanh_c);
                da_o[j] = dh_j * tanh_c * o[j] * (1 - o[j]);
                da_g[j] = dc_j * i[j] * (1 - g[j] * g[j]);
                da_f[j] = dc_j * c_prev[j] * f[j] * (1 - f[j]);
                da_i[j] = dc_j * g[j] * i[j] * (1 - i[j]);
                dc_t[j] = dc_j * f[j];
            }
        }
        product(rows, 4 * H, D, da + t * B * 4 * H, 4 * H, W_x, dx + t * B * D);
        product(rows, 4 * H, H, da + t * B * 4 * H, 4 * H, W_h, dh);
    }
}

void gru_forward(long T, long B, long rows, long D, long H, const vector *W_x, const vector *W_h, const REAL *x, REAL *a,
                 REAL *h, REAL *m, REAL *p)
{
    for (long t = 0; t < T; t++, x += B * D, a += B * 3 * H, h += B * H, m += B * H) {
        product(rows, D, 3 * H, x, D, W_x, a);
        product(rows, H, 3 * H, h, H, W_h, p);
        for (long b = 0; b < rows; b++) {
            REAL *a_r = a + b * 3 * H, *a_z = a_r + H, *a_n = a_z + H;
            REAL *p_r = p + b * 3 * H, *p_z = p_r + H, *p_n = p_z + H;
            REAL *m_t = m + b * H, *h_prev = h + b * H, *h_t = h_prev + B * H;
#pragma GCC ivdep
            for (long j = 0; j < H; j++) {
                m_t[j] = p_n[j];
                a_r[j] = sigmoid(a_r[j] + p_r[j]);
                a_z[j] = sigmoid(a_z[j] + p_z[j]);
                a_n[j] = hyperbolic(a_n[j] + a_r[j] * p_n[j]);
                h_t[j] = (1 - a_z[j]) * a_n[j] + a_z[j] * h_prev[j];
            }
        }
    }
}

void gru_backward(long T, long B, long rows, long D, long H, const vector *W_x, const vector *W_h, REAL *dx,
                  const REAL *a, const REAL *h, const REAL *m, const REAL *dhs, REAL *da, REAL *dh, REAL *p)
{
    for (long t = T - 1; t >= 0; t--) {
        REAL *da_t = da + t * B * 4 * H;
        for (long b = 0; b < rows; b++) {
            const long row = t * B + b;
            const REAL *r = a + row * 3 * H, *z = r + H, *n = z + H;
            const REAL *h_prev = h + row * H, *m_t = m + row * H, *dhs_t = dhs + row * H;
            REAL *da_n = da_t + b * 4 * H, *da_r = da_n + H, *da_z = da_r + H, *dm = da_z + H, *dh_t = dh + b * H;
#pragma GCC ivdep
            for (long j = 0; j < H; j++) {
                REAL dh_j = dhs_t[j] + dh_t[j];
                da_n[j] = dh_j * (1 - z[j]) * (1 - n[j] * n[j]);
                da_r[j] = da_n[j] * m_t[j] * r[j] * (1 - r[j]);
                da_z[j] = dh_j * (h_prev[j] - n[j]) * z[j] * (1 - z[j]);
                dm[j] = da_n[j] * r[j];
                dh_t[j] = dh_j * z[j];
            }
        }
        product(rows, 3 * H, D, da_t, 4 * H, W_x, dx + t * B * D);
        product(rows, 3 * H, H, da_t + H, 4 * H, W_h, p);
        for (long j = 0; j < rows * H; j++) dh[j] += p[j];
    }
}
