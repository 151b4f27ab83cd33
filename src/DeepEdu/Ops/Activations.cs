using System.Runtime.CompilerServices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>The non-linearities of neural networks, value by value. Defaults are PyTorch's; NaN stays NaN; large |x| neither overflows nor cancels.</summary>
public static class Activations
{
    extension(Tensor x)
    {
        /// <summary>max(x, 0): Nair &amp; Hinton 2010. The gradient at 0 is 0.</summary>
        public Tensor Relu() => x.MapByOutput(default(ReluFormula), default(ReluPull));

        /// <summary>x where x &gt; 0, else slope·x: Maas et al. 2013.</summary>
        public Tensor LeakyRelu(float slope = 0.01f) => x.MapByInput(new LeakyReluFormula(slope), new LeakyReluPull(slope));

        /// <summary>x where x &gt; 0, else α(eˣ − 1): Clevert et al. 2016, arXiv:1511.07289, eq. 15.</summary>
        public Tensor Elu(float alpha = 1) => x.MapByInput(new EluFormula(alpha, 1), new EluPull(alpha, 1));

        /// <summary>1.0507 · Elu(x, α = 1.6733), which drives activations to mean 0 and variance 1: Klambauer et al. 2017, arXiv:1706.02515, eq. 2.</summary>
        public Tensor Selu() => x.MapByInput(new EluFormula(1.67326324f, 1.05070099f), new EluPull(1.67326324f, 1.05070099f));

        /// <summary>x·Φ(x), Φ the standard normal distribution: Hendrycks &amp; Gimpel 2016, arXiv:1606.08415.</summary>
        /// <param name="approximate">½x(1 + tanh(√(2/π)(x + 0.044715x³))) instead, as BERT and GPT-2 have it.</param>
        public Tensor Gelu(bool approximate = false) => approximate ? x.Map(default(GeluTanhFormula)) : x.MapByInput(default(GeluFormula), default(GeluPull));

        /// <summary>x·σ(x), also called swish: Ramachandran et al. 2017, arXiv:1710.05941.</summary>
        public Tensor Silu() => x.Map(default(SiluFormula));

        /// <summary>x·tanh(ln(1 + eˣ)): Misra 2019, arXiv:1908.08681, eq. 1.</summary>
        public Tensor Mish() => x.Map(default(MishFormula));

        /// <summary>ln(1 + e^(βx)) / β, and x itself where βx &gt; threshold. Gradient σ(βx).</summary>
        public Tensor Softplus(float beta = 1, float threshold = 20) => x.MapByInput(new SoftplusFormula(beta, threshold), new SoftplusPull(beta, threshold));

        /// <summary>ln σ(x) = −ln(1 + e⁻ˣ). Gradient σ(−x).</summary>
        public Tensor LogSigmoid() => x.MapByInput(default(LogSigmoidFormula), default(LogSigmoidPull));

        /// <summary>x/6 + ½, between 0 and 1.</summary>
        public Tensor HardSigmoid() => x.MapByInput(default(HardSigmoidFormula), new InsidePull(-3, 3, 1f / 6));

        /// <summary>x · clamp(x/6 + ½, 0, 1): Howard et al. 2019, arXiv:1905.02244, §5.2.</summary>
        public Tensor HardSwish() => x.MapByInput(default(HardSwishFormula), default(HardSwishPull));

        /// <summary>x, between 0 and 6.</summary>
        public Tensor Relu6() => x.HardTanh(0, 6);

        /// <summary>x where x &gt; 0, else α(e^(x/α) − 1), whose slope is 1 at 0 for every α: Barron 2017, arXiv:1704.07483.</summary>
        public Tensor Celu(float alpha = 1) => alpha * (x / alpha).Elu();

        /// <summary>a · σ(b) of the two halves of an axis: Dauphin et al. 2017, arXiv:1612.08083, §2.</summary>
        /// <exception cref="ShapeException">No such axis, or it has no two halves.</exception>
        public Tensor Glu(int axis = -1)
        {
            ArgumentNullException.ThrowIfNull(x);
            int at = x.Shape.Axis("glu", axis), half = x.Shape[at] / 2;
            if (x.Shape[at] % 2 != 0) { throw new ShapeException("glu", $"axis {at} of {x.Shape} has no two halves", x.Shape); }
            return x.Narrow(at, 0, half) * x.Narrow(at, half, half).Sigmoid();
        }

        /// <summary>x, between min and max. The gradient is 0 at both ends and beyond.</summary>
        public Tensor HardTanh(float min = -1, float max = 1) => x.MapByInput(new HardTanhFormula(min, max), new InsidePull(min, max, 1));

        /// <summary>x / (1 + |x|).</summary>
        public Tensor Softsign() => x.MapByInput(default(SoftsignFormula), default(SoftsignPull));
    }

    internal readonly struct HardSwishFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.WhereGreater(x, 3f, x, L.WhereGreater(-3f, x, 0f, x * (x + 3f) / 6f));
    }

    internal readonly struct HardSwishPull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => L.WhereGreaterOrEqual(x, 3f, dy, L.WhereGreaterOrEqual(-3f, x, 0f, dy * ((x / 3f) + 0.5f)));
    }

    /// <summary>max(x, 0).</summary>
    public readonly struct ReluFormula : IMap
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Max(x, 0f);
    }

    /// <summary>dy where y &gt; 0, y = max(x, 0).</summary>
    public readonly struct ReluPull : IZip
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L y) where L : struct, ILane<L> => L.WhereGreaterOrEqual(0f, y, 0f, dy);
    }

    /// <summary>x·Φ(x), at most 1.99 ulp off above 0 and 5.3e-8·|x| below.</summary>
    public readonly struct GeluFormula : IMap
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => Of(x, L.NormalTail(x));

        /// <summary>The same from Φ(−|x|).</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal static L Of<L>(L x, L tail) where L : struct, ILane<L> => L.WhereGreater(x, 0f, x, 0f) - (L.AtMost(L.Abs(x), 11f) * tail); // beyond 11, the tail is 0
    }

    /// <summary>dy·(Φ(x) + x·φ(x)), φ the normal density.</summary>
    public readonly struct GeluPull : IZip
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => dy * Slope(x, L.NormalTail(x));

        /// <summary>Φ(x) + x·φ(x), at most 1.1e-7 off, from the Φ(−|x|) that <see cref="GeluFormula"/> takes too.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal static L Slope<L>(L x, L tail) where L : struct, ILane<L>
        {
            // below 0 it is the tail times 1 − tφ(t)/Φ(−t), t = |x|, here a polynomial
            L t = L.AtMost(L.Abs(x), 11f);
            L p = L.MultiplyAdd(-1.56852646e-6f, t, 2.56233433e-5f);
            p = L.MultiplyAdd(p, t, -0.00018462509f);
            p = L.MultiplyAdd(p, t, 0.000776169144f);
            p = L.MultiplyAdd(p, t, -0.00193440733f);
            p = L.MultiplyAdd(p, t, 0.000867858423f);
            p = L.MultiplyAdd(p, t, 0.0186990131f);
            p = L.MultiplyAdd(p, t, -0.10885363f);
            p = L.MultiplyAdd(p, t, -0.636646744f);
            p = L.MultiplyAdd(p, t, -0.797882902f);
            p = L.MultiplyAdd(p, t, 1f) * tail;
            return L.WhereGreater(x, 0f, 1f - p, p);
        }
    }

    /// <summary>½x(1 + tanh(√(2/π)(x + 0.044715x³))).</summary>
    public readonly struct GeluTanhFormula : IMap
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => 0.5f * x * (1f + L.Tanh(0.797884561f * (x + (0.044715f * x * x * x))));
    }

    /// <summary>x·σ(x).</summary>
    public readonly struct SiluFormula : IMap
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => x * L.Sigmoid(x);
    }

    /// <summary>ln(1 + e⁻ˣ) without overflow: max(−x, 0) + ln(1 + e^−|x|).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static L SoftplusOfMinus<L>(L x) where L : struct, ILane<L> => L.Max(-x, 0f) + Functions.Log1p(L.Exp(-L.Abs(x)));

    internal readonly struct LeakyReluFormula(float slope) : IMap
    {
        public float Slope => slope;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.WhereGreater(x, 0f, x, slope * x);
    }

    internal readonly struct LeakyReluPull(float slope) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => L.WhereGreater(x, 0f, dy, slope * dy);
    }

    internal readonly struct EluFormula(float alpha, float scale) : IMap
    {
        public float Alpha => alpha;
        public float Scale => scale;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => scale * L.WhereGreater(x, 0f, x, alpha * Functions.Expm1(x));
    }

    internal readonly struct EluPull(float alpha, float scale) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => dy * (scale * L.WhereGreater(x, 0f, 1f, alpha * L.Exp(x)));
    }

    // with e = eˣ, tanh(ln(1 + e)) = n/(n + 2), n = e(e + 2): no logarithm; beyond 20 the quotient is 1
    internal readonly struct MishFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L>
        {
            L e = L.Exp(L.Min(x, 20f)), n = e * (e + 2f);
            return x * (n / (n + 2f));
        }
    }

    internal readonly struct SoftplusFormula(float beta, float threshold) : IMap
    {
        public float Beta => beta;
        public float Threshold => threshold;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L>
        {
            L z = beta * x;
            return L.WhereGreater(z, threshold, x, SoftplusOfMinus(-z) / beta);
        }
    }

    internal readonly struct SoftplusPull(float beta, float threshold) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L>
        {
            L z = beta * x;
            return L.WhereGreater(z, threshold, dy, dy * L.Sigmoid(z));
        }
    }

    internal readonly struct LogSigmoidFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => -SoftplusOfMinus(x);
    }

    internal readonly struct LogSigmoidPull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => dy * L.Sigmoid(-x);
    }

    internal readonly struct HardSigmoidFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Min(L.Max((x / 6f) + 0.5f, 0f), 1f);
    }

    internal readonly struct HardTanhFormula(float min, float max) : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => L.Min(L.Max(x, min), max);
    }

    internal readonly struct InsidePull(float min, float max, float slope) : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L> => L.WhereGreater(x, min, L.WhereGreater(max, x, slope * dy, 0f), 0f);
    }

    internal readonly struct SoftsignFormula : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L x) where L : struct, ILane<L> => x / (1f + L.Abs(x));
    }

    internal readonly struct SoftsignPull : IZip
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public L Apply<L>(L dy, L x) where L : struct, ILane<L>
        {
            L d = 1f + L.Abs(x);
            return dy / (d * d);
        }
    }
}
