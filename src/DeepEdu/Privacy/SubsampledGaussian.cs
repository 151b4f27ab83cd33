namespace DeepEdu.Privacy;

/// <summary>What one private step can tell of one sample: each sample is taken with probability q, and noise N(0, σ²C²) is added to a sum that it moves by at most C. As Rényi divergence of order α
/// between sums with the sample and without it: Mironov, Talwar and Zhang 2019, arXiv:1908.10530, §3.3, D = log A / (α − 1) with A = E[((1 − q) + q·e^((2z − 1)/(2σ²)))^α], z ~ N(0, σ²).</summary>
public static class SubsampledGaussian
{
    /// <summary>D of order α. It adds up over steps.</summary>
    /// <param name="order">α above 1, whole or not.</param>
    /// <param name="noise">σ, the noise's deviation by the clip length; with 0 the divergence is infinite.</param>
    /// <param name="rate">q in [0, 1].</param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is out of its range.</exception>
    public static double Divergence(double order, double noise, double rate)
    {
        if (!(order > 1 && order < 1e6)) { throw new ArgumentOutOfRangeException(nameof(order), $"subsampled-gaussian: order {order} must be above 1 and below a million"); }
        Check(noise, rate);
        if (rate == 0) { return 0; }
        if (noise == 0) { return double.PositiveInfinity; }
        if (rate == 1) { return order / (2 * noise * noise); }
        return (order == Math.Floor(order) ? Whole((int)order, noise, rate) : Broken(order, noise, rate)) / (order - 1);
    }

    /// <summary>The ε that a divergence of order α gives at δ: Balle et al. 2020, arXiv:1905.09982, theorem 21; Canonne, Kamath and Steinke 2020, arXiv:2004.00010, proposition 12.</summary>
    /// <param name="order">α above 1.</param>
    /// <param name="divergence">D.</param>
    /// <param name="delta">δ between 0 and 1.</param>
    public static double Epsilon(double order, double divergence, double delta)
        => Math.Max(0, divergence + Math.Log((order - 1) / order) - ((Math.Log(delta) + Math.Log(order)) / (order - 1)));

    /// <summary>The δ that a divergence of order α gives at ε: the same, solved for δ.</summary>
    /// <param name="order">α above 1.</param>
    /// <param name="divergence">D.</param>
    /// <param name="epsilon">ε of at least 0.</param>
    public static double Delta(double order, double divergence, double epsilon)
        => Math.Min(1, Math.Exp(((order - 1) * (divergence - epsilon + Math.Log((order - 1) / order))) - Math.Log(order)));

    internal static void Check(double noise, double rate)
    {
        if (!(noise >= 0 && noise < double.PositiveInfinity)) { throw new ArgumentOutOfRangeException(nameof(noise), $"subsampled-gaussian: noise {noise} must be a number of at least 0"); }
        if (!(rate is >= 0 and <= 1)) { throw new ArgumentOutOfRangeException(nameof(rate), $"subsampled-gaussian: the sampling rate {rate} is not in [0, 1]"); }
    }

    // Σ over k of binomial terms (equation 5); as their sum without the exponential is 1, what is left is A − 1, all terms positive
    private static double Whole(int order, double noise, double rate)
    {
        double log = double.NegativeInfinity, choose = Math.Log(order);
        for (int k = 2; k <= order; k++)
        {
            choose += Math.Log((order - k + 1) / (double)k);
            double growth = k * (k - 1.0) / (2 * noise * noise);
            log = LogAdd(log, choose + (k * Math.Log(rate)) + ((order - k) * LogOnePlus(-rate)) + growth + Math.Log(-ExpMinusOne(-growth)));
        }
        return LogAdd(0, log);
    }

    // the integral itself by the trapezium rule, which errs by e^(−2π²σ²/step) of an integrand that is smooth so far from the axis; again of A − 1, E[w^α − 1 − α(w − 1)], as E[w] is 1
    private static double Broken(double order, double noise, double rate)
    {
        double step = Math.Min(noise, noise * noise) / 4, log = double.NegativeInfinity, width = 14 * noise;
        long steps = (long)Math.Ceiling((order + (2 * width)) / step);
        for (long i = 0; i <= steps; i++)
        {
            double z = (i * step) - width;
            log = LogAdd(log, LogExcess(order, rate, ((2 * z) - 1) / (2 * noise * noise)) - (z * z / (2 * noise * noise)));
        }
        return LogAdd(0, log + Math.Log(step / (noise * Math.Sqrt(2 * Math.PI))));
    }

    // log(w^α − 1 − α(w − 1)) of w = 1 + q(e^t − 1)
    private static double LogExcess(double order, double rate, double t)
    {
        if (t < 700)
        {
            double v = rate * ExpMinusOne(t);
            if (Math.Abs(v) * order < 1e-4) { return Math.Log(v * v * order * (order - 1) / 2 * (1 + ((order - 2) / 3 * v * (1 + ((order - 3) / 4 * v))))); }
            if (v < 1) { return Math.Log(ExpMinusOne(order * LogOnePlus(v)) - (order * v)); }
        }
        double s = t + Math.Log(rate + ((1 - rate) * Math.Exp(-t))); // log w
        return (order * s) + Math.Log(1 - (order * Math.Exp((1 - order) * s)) + ((order - 1) * Math.Exp(-order * s)));
    }

    // log(e^a + e^b)
    private static double LogAdd(double a, double b)
    {
        var (low, high) = a < b ? (a, b) : (b, a);
        return double.IsNegativeInfinity(low) ? high : high == 0 ? LogOnePlus(Math.Exp(low)) : high + LogOnePlus(Math.Exp(low - high));
    }

    // both after Higham 2002, Accuracy and Stability of Numerical Algorithms, §1.14.1: the errors of u and of its logarithm cancel
    private static double LogOnePlus(double x)
    {
        double u = 1 + x;
        return u == 1 ? x : Math.Log(u) * x / (u - 1);
    }

    private static double ExpMinusOne(double x)
    {
        double u = Math.Exp(x);
        return u == 1 ? x : u is 0 or double.PositiveInfinity || Math.Abs(x) > 1 ? u - 1 : (u - 1) * x / Math.Log(u);
    }
}
