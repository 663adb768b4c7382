import math
import numpy as np
from fractions import Fraction
from math import *
from scipy.special import *

# ---- helpers (used all over) ----
xl = lambda p, v: 0. if p == 0 else (p * math.log(v) if v > 0 else -math.inf)
def S(P, V): return sum(xl(p, v) for p, v in zip(P, V))
def DKL(P, Q):
    return S(P, P) - S(P, Q)
def softmax_of_logs(L):
    L = np.array(L); E = np.exp(L - L.max())
    return E / E.sum()
N = lambda z, m, v: -.5*np.log(2*np.pi) - .5*np.log(v) - .5*(z-m)**2/v

# ==== 1 ====
bernoulli_log_likelihood = lambda img, probs: S(img, probs) + S([1-i for i in img], [1-p for p in probs])
bernoulli_likelihood = lambda img, probs: math.exp(bernoulli_log_likelihood(img, probs))

encoder_output_dimension = 2

def bound_terms(enc, pz, pxz):
    return np.array([S(enc, pxz), DKL(enc, pz)])

def properties_of_kl():
    return ["NEVER_NEGATIVE", "ZERO_ONLY_IF_EQUAL", "ADDS_UP", "INFINITE_WHERE_Q_MISSES_P"]

def elbo_with_exact_kl(ll, zs, m, s2):
    return [l - kl_diagonal([m], [s2], [0], [1]).item() for l in ll]

elbo_by_sampling = lambda ll, zs, m, s2: np.array([[l + N(z, 0, 1) - N(z, m, s2)] for l, z in zip(ll, zs)]).reshape(-1)

kl_to_itself = 0

def kl_equal_variance(m1, m2, s):
    return Fraction(1, 2) * (Fraction(m1) - Fraction(m2)) ** 2 / Fraction(s) ** 2

def kl_diagonal(m1, v1, m2, v2):
    m1, v1, m2, v2 = map(np.atleast_2d, (m1, v1, m2, v2))
    return .5 * np.sum(np.log(v2) - np.log(v1) - 1 + v1/v2 + (m1-m2)**2/v2, axis=1)     # shape [1]

def best_q(pxz, pz):
    t = []
    for l, p in zip(pxz, pz):
        t.append(Fraction(l) * Fraction(p))
    return [i / sum(t) for i in t]

best_q_equals = 3

# ==== 3 ====
def gan_value(disc, gen, pd, pz):
    pg = np.zeros(len(disc))
    for i in range(len(gen)):
        pg[gen[i]] += pz[i]
    return gan_value_of_distributions(disc, pd, pg)

def gan_value_of_distributions(disc, pd, pg):
    return np.array(S(pd, disc) + S(pg, 1 - np.array(disc)))   # 0-d

def optimal_discriminator(pd, pg):
    return tuple(1 / (1 + g / p) if p else 0 for p, g in zip(pd, pg))

jsd = lambda p, q: (DKL(p, (p+q)/2) + DKL(q, (p+q)/2)) / 2

def value_at_optimal_discriminator(pd, pg):
    return [-math.log(4) + 2 * jsd(pd, pg)]

def kl_uniform(a1, b1, a2, b2):
    return float('inf') if a1 < a2 or b1 > b2 else np.float32(np.log(b2 - a2) - np.log(b1 - a1))

def wasserstein_uniform(a1, b1, a2, b2):
    # average the way that every quantile has to go (midpoints)
    n = 200000
    t = (np.arange(n) + .5) / n
    return np.abs((a1 + t*(b1-a1)) - (a2 + t*(b2-a2))).mean()
