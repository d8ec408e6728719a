/* The steps of OnlineLSTM.run in rnnlib/online.py, in its letters: the same numbers, without Python between them. The
 * arrays are numpy's, by address, and are changed in place. online_in_c.py has the same struct. */
#include <math.h>
#include <string.h>

enum { IDENTITY, TANH, CENTRED1, CENTRED2, SIGMOID };
enum { I, F, G, O };

typedef struct {
    long D, K, blocks, cells, M, U, MY; /* rows and columns of W, rows of W_y */
    long column[4];                     /* where the columns of i, f, g, o begin in W; -1 for a gate that is not there */
    long peepholes, gate_recurrence, direct, squash_in, squash_out, output;
    double forget;
    double *W, *W_y, *p[4]; /* of the gates; p[G] is not used */
    double *present, *present_y;
    double *dW, *dW_y, *dp[4];
    double *vW, *vW_y, *vp[4];
    double *h, *c, *before;
    double *trace[3], *p_trace[2];
    double *scratch; /* M + MY + U + 3 blocks + 9 H + K */
} net_t;

static double sigmoid(double a)
{
    double e = exp(-fabs(a));
    return (a >= 0 ? 1 : e) / (1 + e);
}

static double squash(long kind, double a)
{
    switch (kind) {
    case TANH: return tanh(a);
    case CENTRED1: return 2 * sigmoid(a) - 1;
    case CENTRED2: return 4 * sigmoid(a) - 2;
    case SIGMOID: return sigmoid(a);
    default: return a;
    }
}

/* The derivative, from the value. */
static double slope(long kind, double s)
{
    switch (kind) {
    case TANH: return 1 - s * s;
    case CENTRED1: return (1 - s * s) / 2;
    case CENTRED2: return 1 - s * s / 4;
    case SIGMOID: return s * (1 - s);
    default: return 1;
    }
}

static void gate(const net_t *n, int which, const double *a, const double *c, double otherwise, double *out)
{
    for (long j = 0; j < n->blocks; j++) {
        if (n->column[which] < 0) {
            out[j] = otherwise;
            continue;
        }
        double sum = a[n->column[which] + j];
        if (n->peepholes)
            for (long s = j * n->cells; s < (j + 1) * n->cells; s++) sum += n->p[which][s] * c[s];
        out[j] = sigmoid(sum);
    }
}

static void change(long count, double *w, double *v, double *d, double lr, double momentum)
{
    for (long k = 0; k < count; k++) {
        v[k] = momentum * v[k] - lr * d[k];
        w[k] += v[k];
        d[k] = 0;
    }
}

static void begin(net_t *n)
{
    memset(n->h, 0, n->blocks * n->cells * sizeof(double));
    memset(n->c, 0, n->blocks * n->cells * sizeof(double));
    if (n->gate_recurrence) memset(n->before, 0, (n->M - n->D - n->blocks * n->cells - 1) * sizeof(double));
    for (int which = I; which <= G; which++) {
        memset(n->trace[which], 0, n->M * n->blocks * n->cells * sizeof(double));
        if (n->peepholes && which != G) memset(n->p_trace[which], 0, n->cells * n->blocks * n->cells * sizeof(double));
    }
}

long run(net_t *n, long T, const double *xs, const double *targets, const unsigned char *counts,
         const unsigned char *starts, double *ys, double lr, double momentum, double decay, long update, double stop_at)
{
    const long S = n->cells, J = n->blocks, H = J * S, D = n->D, K = n->K, M = n->M, U = n->U, MY = n->MY;
    double *z = n->scratch, *v = z + M, *a = v + MY, *i = a + U, *f = i + J, *o = f + J;
    double *g = o + J, *u = g + H, *c_prev = u + H, *slopes = c_prev + H, *dc = slopes + 3 * H, *dh = dc + H;
    double *da_y = dh + H, *keep = da_y + K;
    const int keeps_all = n->column[F] < 0 && n->forget == 1;
    for (long t = 0; t < T; t++, xs += D, ys += K, targets += targets ? K : 0) {
        if (starts && starts[t]) begin(n);

        /* forward */
        memcpy(z, xs, D * sizeof(double));
        memcpy(z + D, n->h, H * sizeof(double));
        if (n->gate_recurrence) memcpy(z + D + H, n->before, (M - D - H - 1) * sizeof(double));
        z[M - 1] = 1;
        memset(a, 0, U * sizeof(double));
        for (long m = 0; m < M; m++)
            if (z[m] != 0)
                for (long k = 0; k < U; k++) a[k] += z[m] * n->W[m * U + k];
        memcpy(c_prev, n->c, H * sizeof(double));
        gate(n, I, a, c_prev, 1, i);
        gate(n, F, a, c_prev, n->forget, f);
        for (long s = 0; s < H; s++) {
            g[s] = squash(n->squash_in, a[n->column[G] + s]);
            n->c[s] = f[s / S] * c_prev[s] + i[s / S] * g[s];
        }
        gate(n, O, a, n->c, 1, o);
        for (long s = 0; s < H; s++) {
            double is = i[s / S], fs = keep[s] = f[s / S];
            u[s] = squash(n->squash_out, n->c[s]);
            n->h[s] = o[s / S] * u[s];
            slopes[I * H + s] = g[s] * is * (1 - is);
            slopes[F * H + s] = c_prev[s] * fs * (1 - fs);
            slopes[G * H + s] = is * slope(n->squash_in, g[s]);
        }
        double *b = n->before;
        for (int which = I; which <= O; which++)
            if (which != G && n->column[which] >= 0) {
                memcpy(b, which == I ? i : which == F ? f : o, J * sizeof(double));
                b += J;
            }
        for (int which = I; which <= G; which++) {
            if (n->column[which] < 0) continue;
            const double *slope_of = slopes + which * H;
            for (long m = 0; m < M; m++) {
                if (keeps_all && z[m] == 0) continue;
                double *trace = n->trace[which] + m * H;
                for (long s = 0; s < H; s++) trace[s] = keep[s] * trace[s] + z[m] * slope_of[s];
            }
            if (n->peepholes && which != G)
                for (long k = 0; k < S; k++)
                    for (long s = 0; s < H; s++) {
                        double *trace = n->p_trace[which] + k * H + s;
                        *trace = keep[s] * *trace + c_prev[s / S * S + k] * slope_of[s];
                    }
        }
        memcpy(v, n->h, H * sizeof(double));
        if (n->direct) memcpy(v + H, xs, D * sizeof(double));
        v[MY - 1] = 1;
        memset(ys, 0, K * sizeof(double));
        for (long m = 0; m < MY; m++)
            if (v[m] != 0)
                for (long k = 0; k < K; k++) ys[k] += v[m] * n->W_y[m * K + k];
        for (long k = 0; k < K; k++) ys[k] = squash(n->output, ys[k]);
        if (!counts[t]) continue;

        /* learn */
        double worst = 0;
        for (long k = 0; k < K; k++) {
            double error = ys[k] - targets[k];
            da_y[k] = error * slope(n->output, ys[k]);
            if (!(fabs(error) <= worst)) worst = fabs(error);
        }
        for (long s = 0; s < H; s++) {
            dh[s] = 0;
            for (long k = 0; k < K; k++) dh[s] += n->W_y[s * K + k] * da_y[k];
            dc[s] = dh[s] * o[s / S] * slope(n->squash_out, u[s]);
        }
        for (long m = 0; m < MY; m++)
            if (v[m] != 0)
                for (long k = 0; k < K; k++) n->dW_y[m * K + k] += v[m] * da_y[k] * n->present_y[m * K + k];
        for (int which = I; which <= G; which++) {
            if (n->column[which] < 0) continue;
            for (long m = 0; m < M; m++) {
                const double *trace = n->trace[which] + m * H;
                const long at = m * U + n->column[which];
                if (which == G)
                    for (long s = 0; s < H; s++) n->dW[at + s] += trace[s] * dc[s] * n->present[at + s];
                else
                    for (long j = 0; j < J; j++) {
                        double sum = 0;
                        for (long s = j * S; s < (j + 1) * S; s++) sum += trace[s] * dc[s];
                        n->dW[at + j] += sum * n->present[at + j];
                    }
            }
            if (n->peepholes && which != G)
                for (long k = 0; k < S; k++)
                    for (long s = 0; s < H; s++) n->dp[which][s / S * S + k] += n->p_trace[which][k * H + s] * dc[s];
        }
        if (n->column[O] >= 0)
            for (long j = 0; j < J; j++) {
                double da = 0;
                for (long s = j * S; s < (j + 1) * S; s++) da += dh[s] * u[s];
                da *= o[j] * (1 - o[j]);
                for (long m = 0; m < M; m++)
                    n->dW[m * U + n->column[O] + j] += z[m] * da * n->present[m * U + n->column[O] + j];
                if (n->peepholes)
                    for (long s = j * S; s < (j + 1) * S; s++) n->dp[O][s] += da * n->c[s];
            }
        if (update) {
            change(M * U, n->W, n->vW, n->dW, lr, momentum);
            change(MY * K, n->W_y, n->vW_y, n->dW_y, lr, momentum);
            if (n->peepholes)
                for (int which = I; which <= O; which++)
                    if (which != G && n->column[which] >= 0)
                        change(H, n->p[which], n->vp[which], n->dp[which], lr, momentum);
            lr *= decay;
        }
        if (worst >= stop_at) return t + 1;
    }
    return T;
}
