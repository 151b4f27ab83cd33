namespace DeepEdu.Benchmarks.Runner;

/// <summary>Matrix products of squares and of the layers of real models beside OpenBLAS and oneDNN. Each library lives in a process of its own (<see cref="GemmSide"/>): threads of OpenMP go on spinning for up to
/// a second after a product, on a core that another library's threads would need. Blocks of some milliseconds run in turn; of each library the fastest fifth counts.</summary>
internal static class GemmTable
{
    private static readonly (int Batch, int Inputs, int Outputs)[] s_layers =
        [(32, 128, 256), (32, 64, 1), (32, 300, 1200), (64, 256, 1024), (128, 784, 512), (256, 64, 32), (256, 1024, 1024), (32, 1600, 128), (2048, 128, 512)];

    public static int Run(int[] threads, double seconds, string filter)
    {
        GemmProduct[] products = [.. Products().Where(s => s.ToString().Contains(filter, StringComparison.Ordinal))];
        if (products.Length == 0) { throw new ArgumentException($"gemm: no product matches '{filter}'"); }
        bool headed = false;
        foreach (int t in threads)
        {
            using GemmSide ours = new("deepedu", t), blas = new("openblas", t), dnn = new("onednn", t);
            if (!headed)
            {
                Console.WriteLine($"OpenBLAS kernels: {blas.Kernels}\n");
                Console.WriteLine("| product | m × n × k | threads | GFLOP/s | µs | OpenBLAS | oneDNN | / OpenBLAS | / oneDNN | / better |");
                Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
                headed = true;
            }
            List<(double Blas, double Dnn)> ratios = [];
            foreach (var p in products)
            {
                double[] s = Times([ours, blas, dnn], p, seconds);
                double flops = 2.0 * p.M * p.N * p.K, better = Math.Max(s[0] / s[1], s[0] / s[2]);
                ratios.Add((s[0] / s[1], s[0] / s[2]));
                Console.WriteLine($"| {p.Kind} | {p.M} × {p.N} × {p.K} | {t} | {flops / s[0] / 1e9:f1} | {s[0] * 1e6:f1} | {flops / s[1] / 1e9:f1} | {flops / s[2] / 1e9:f1} | "
                    + $"{s[0] / s[1]:f2} | {s[0] / s[2]:f2} | {better:f2}{(better > 1.25 ? " !" : "")} |");
            }
            Console.WriteLine($"| geometric mean | {ratios.Count} shapes | {t} | | | | | **{Mean(ratios.Select(r => r.Blas)):f2}** | **{Mean(ratios.Select(r => r.Dnn)):f2}** | worst {ratios.Max(r => Math.Max(r.Blas, r.Dnn)):f2} |");
        }
        return 0;
    }

    private static double[] Times(GemmSide[] sides, GemmProduct product, double seconds)
    {
        List<double>[] blocks = [.. sides.Select(_ => new List<double>())];
        for (double end = Meter.Now() + seconds; Meter.Now() < end || blocks[0].Count < 5;)
        {
            for (int i = 0; i < sides.Length; i++) { blocks[i].Add(sides[i].Block(product)); }
        }
        return [.. blocks.Select(b => Meter.Percentile([.. b.Order()], .2))];
    }

    private static IEnumerable<GemmProduct> Products()
    {
        foreach (int n in (int[])[64, 128, 256, 512, 1024, 2048]) { yield return new(false, false, n, n, n); }
        foreach (var (b, i, o) in s_layers)
        {
            yield return new(false, false, b, o, i);
            yield return new(false, true, b, o, i);
            yield return new(true, false, i, o, b);
            yield return new(false, true, b, i, o);
        }
    }

    private static double Mean(IEnumerable<double> ratios) => Math.Exp(ratios.Average(Math.Log));
}

/// <summary>C [M, N] = op(A)·op(B).</summary>
internal readonly record struct GemmProduct(bool TransA, bool TransB, int M, int N, int K)
{
    public string Kind => $"{(TransA ? 'T' : 'N')}{(TransB ? 'T' : 'N')}";

    public override string ToString() => $"{Kind} {M} {N} {K}";

    public static GemmProduct Parse(string text)
    {
        string[] p = text.Split(' ');
        return new(p[0][0] == 'T', p[0][1] == 'T', int.Parse(p[1]), int.Parse(p[2]), int.Parse(p[3]));
    }
}
