namespace DeepEdu.Metrics;

/// <summary>The normal distribution in double precision.</summary>
internal static class Normal
{
    /// <summary>P(|Z| ≥ |z|).</summary>
    public static double TwoSided(double z) => Erfc(Math.Abs(z) / Math.Sqrt(2));

    /// <summary>The z below which the share p lies, 0 &lt; p &lt; 1.</summary>
    public static double Quantile(double p)
    {
        // halving [−40, 40] until no double lies between
        double low = -40, high = 40;
        while (true)
        {
            double middle = low + ((high - low) / 2);
            if (middle <= low || middle >= high) { return middle; }
            if (0.5 * Erfc(-middle / Math.Sqrt(2)) < p) { low = middle; } else { high = middle; }
        }
    }

    /// <summary>1 − erf x, to some 1e-15 of its value.</summary>
    public static double Erfc(double x)
    {
        if (x < 0) { return 2 - Erfc(-x); }
        if (x < 2)
        {
            // erf x = 2/√π · e^(−x²) Σ 2ⁿ x²ⁿ⁺¹ / (2n + 1)!!: all terms positive (Abramowitz and Stegun 7.1.6)
            double term = x, sum = x;
            for (int n = 1; term > 1e-17 * sum; n++)
            {
                term *= 2 * x * x / ((2 * n) + 1);
                sum += term;
            }
            return 1 - (2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum);
        }
        // the continued fraction x + (1/2)/(x + 1/(x + (3/2)/(x + …))), from far inside (Abramowitz and Stegun 7.1.14)
        double fraction = x;
        for (int k = 160; k >= 1; k--) { fraction = x + (0.5 * k / fraction); }
        return Math.Exp(-x * x) / (Math.Sqrt(Math.PI) * fraction);
    }
}
