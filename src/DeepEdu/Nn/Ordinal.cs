using System.Diagnostics.CodeAnalysis;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Losses for grades 0 &lt; 1 &lt; … &lt; K − 1, where being off by two is worse than by one, and the words that turn outputs back into grades.</summary>
public static class Ordinal
{
    /// <summary>Whether each grade is above 0, 1, .. K − 2, as 1 or 0: labels [N] to [N, K − 1].</summary>
    /// <exception cref="ArgumentOutOfRangeException">A label is no grade.</exception>
    public static Tensor Levels(Indices labels, int grades)
    {
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentOutOfRangeException.ThrowIfLessThan(grades, 2);
        labels.CheckBelow("ordinal", grades);
        float[] levels = new float[labels.Size * (grades - 1)];
        for (int i = 0; i < labels.Size; i++) { levels.AsSpan(i * (grades - 1), labels.Span[i]).Fill(1); }
        return Tensor.Of([labels.Size, grades - 1], levels);
    }

    /// <summary>Σ_k λ_k · BCE(σ(x_k), [y > k]), averaged over rows: one binary task a threshold. x [N, K − 1], whose columns differ by a bias alone (<see cref="CoralLayer"/>), so that
    /// P(y > k) falls with k. Cao, Mirjalili and Raschka 2020, arXiv:1901.07884, eq. 4.</summary>
    /// <param name="x">Logits of y > k.</param>
    /// <param name="labels">Grades [N].</param>
    /// <param name="importance">λ [K − 1]; 1 for each if null.</param>
    /// <param name="weight">Multiplies the rows' losses [N].</param>
    /// <param name="reduction">None gives [N].</param>
    /// <exception cref="ShapeException">Shapes that do not fit.</exception>
    public static Tensor Coral(Tensor x, Indices labels, Tensor? importance = null, Tensor? weight = null, Reduction reduction = Reduction.Mean)
    {
        Check("coral", x, labels, 1);
        var y = x.BinaryCrossEntropyWithLogits(Levels(labels, x.Shape[1] + 1).To(x.Device), reduction: Reduction.None);
        if (importance is not null)
        {
            if (importance.Shape != [x.Shape[1]]) { throw new ShapeException("coral", $"importance {importance.Shape} for logits {x.Shape}: expected [{x.Shape[1]}]", x.Shape, importance.Shape); }
            y *= importance.Detach();
        }
        return Losses.Reduce("coral", y.Sum(1), weight, reduction);
    }

    /// <summary>Σ_k BCE(σ(x_k), [y > k]) over the rows with y ≥ k, divided by how many such (row, k) there are: x_k is the logit of y > k given y ≥ k, so nothing ties the columns.
    /// x [N, K − 1]. Shi, Cao and Raschka 2021, arXiv:2111.08851, eq. 6.</summary>
    /// <param name="x">Logits.</param>
    /// <param name="labels">Grades [N].</param>
    /// <param name="weight">Multiplies the rows' losses [N].</param>
    /// <param name="reduction">None gives each row's sum [N].</param>
    /// <exception cref="ShapeException">Shapes that do not fit.</exception>
    public static Tensor Corn(Tensor x, Indices labels, Tensor? weight = null, Reduction reduction = Reduction.Mean)
    {
        Check("corn", x, labels, 1);
        int tasks = x.Shape[1];
        float[] asked = new float[labels.Size * tasks];
        for (int i = 0; i < labels.Size; i++) { asked.AsSpan(i * tasks, Math.Min(tasks, labels.Span[i] + 1)).Fill(1); }
        var y = x.BinaryCrossEntropyWithLogits(Levels(labels, tasks + 1).To(x.Device), weight: Tensor.Of(x.Shape, asked, x.Device), reduction: Reduction.None).Sum(1);
        y = Losses.Reduce("corn", y, weight, reduction == Reduction.Mean ? Reduction.Sum : reduction);
        return reduction == Reduction.Mean ? y / asked.Sum() : y;
    }

    /// <summary>ln(Σ w_ij O_ij / Σ w_ij E_ij), w_ij = (i − j)²/(K − 1)²: the logarithm of 1 − κ, Cohen's quadratic weighted kappa with the rows' probabilities in the place of their grades;
    /// O is the soft confusion matrix, E what chance would give. A loss of the whole batch: batches should be large. De la Torre, Puig and Valls 2018, "Weighted kappa loss function for
    /// multi-class classification of ordinal data in deep learning", eq. 8.</summary>
    /// <param name="x">Logits [N, K].</param>
    /// <param name="labels">Grades [N].</param>
    /// <param name="log">Whether the logarithm is taken; if not, 1 − κ itself.</param>
    /// <param name="eps">Added to both sums, which are 0 where all labels and all predictions are one grade.</param>
    /// <exception cref="ShapeException">Shapes that do not fit.</exception>
    public static Tensor SoftKappa(Tensor x, Indices labels, bool log = true, float eps = 1e-7f)
    {
        Check("soft-kappa", x, labels, 0);
        int n = x.Shape[0], grades = x.Shape[1];
        if (n == 0) { throw new ShapeException("soft-kappa", $"logits {x.Shape} hold no row", x.Shape); }
        float[] cost = new float[n * grades], chance = new float[grades];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < grades; j++)
            {
                float d = (labels.Span[i] - j) / Math.Max(1f, grades - 1);
                cost[(i * grades) + j] = d * d / n;
                chance[j] += d * d / n;
            }
        }
        var p = x.Softmax();
        var ratio = ((p * Tensor.Of(x.Shape, cost, x.Device)).Sum() + eps) / ((p.Mean(0) * Tensor.Of([grades], chance, x.Device)).Sum() + eps);
        return log ? ratio.Log() : ratio;
    }

    /// <summary>The grade of each row of CORAL logits [N, K − 1]: how many thresholds are more likely passed than not.</summary>
    public static Indices CoralGrades(Tensor x) => Count(x, (v, _) => v > 0);

    /// <summary>The grade of each row of CORN logits [N, K − 1]: how many of P(y > k) = σ(x_0) · … · σ(x_k) are above ½. Shi, Cao and Raschka 2021, §3.3.</summary>
    public static Indices CornGrades(Tensor x)
    {
        double p = 1;
        return Count(x, (v, k) => (p = (k == 0 ? 1 : p) / (1 + Math.Exp(-v))) > 0.5);
    }

    /// <summary>P(y > k) for each threshold of CORN logits [N, K − 1]: products of the conditional probabilities.</summary>
    public static Tensor CornProbabilities(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return x.LogSigmoid().CumSum(1).Exp();
    }

    /// <summary>The grade of each row of class logits [N, K] by its expected value Σ k·p_k, rounded: with squared distances the best single guess.</summary>
    public static Indices ExpectedGrades(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Rank != 2) { ThrowRank(x.Shape); }
        float[] expected = (x.Detach().Softmax() * Tensor.Arange(x.Shape[1], x.Device)).Sum(1).ToArray();
        return Array.ConvertAll(expected, e => (int)MathF.Round(e, MidpointRounding.AwayFromZero));
    }

    private static Indices Count(Tensor x, Func<float, int, bool> passed)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Rank != 2) { ThrowRank(x.Shape); }
        int n = x.Shape[0], tasks = x.Shape[1];
        float[] values = x.ToArray();
        int[] grades = new int[n];
        for (int i = 0; i < n; i++)
        {
            for (int k = 0; k < tasks; k++) { grades[i] += passed(values[(i * tasks) + k], k) ? 1 : 0; }
        }
        return grades;
    }

    private static void Check(string op, Tensor x, Indices labels, int fewer)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(labels);
        if (x.Rank != 2 || labels.Shape != [x.Shape[0]] || x.Shape[1] == 0)
        {
            throw new ShapeException(op, $"logits {x.Shape} with labels {labels.Shape}: expected [N,{(fewer == 0 ? "K" : "K-1")}] and [N] for K grades", x.Shape, labels.Shape);
        }
        labels.CheckBelow(op, x.Shape[1] + fewer);
    }

    [DoesNotReturn]
    private static void ThrowRank(Shape x) => throw new ShapeException("ordinal", $"logits {x}: expected [N,K-1], or [N,K] for ExpectedGrades", x);
}
