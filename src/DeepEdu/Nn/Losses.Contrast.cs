using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <content>Losses that tell the right one from a sample of wrong ones.</content>
public static partial class Losses
{
    /// <summary>−ln(e^(s_ii) / Σ_j e^(s_ij)) with s_ij = q_i·k_j/τ: key i belongs to query i, and all other keys of the batch are wrong ones. q, k [N, d].
    /// Van den Oord, Li and Vinyals 2018, arXiv:1807.03748, eq. 4; symmetric, as in CLIP: Radford et al. 2021, arXiv:2103.00020, figure 3.</summary>
    /// <param name="queries">q.</param>
    /// <param name="keys">k.</param>
    /// <param name="temperature">τ.</param>
    /// <param name="symmetric">Averages with the loss of keys looking for their queries.</param>
    /// <param name="normalize">Whether vectors are brought to length 1 first, so that s is cos/τ.</param>
    /// <param name="negatives">Further wrong keys [M, d] for all queries; not with <paramref name="symmetric"/>.</param>
    /// <param name="weight">Multiplies the queries' losses [N].</param>
    /// <param name="reduction">None gives [N].</param>
    /// <exception cref="ShapeException">Shapes that do not fit.</exception>
    /// <exception cref="ArgumentException">τ is not above 0, or there are negatives for a symmetric loss.</exception>
    public static Tensor InfoNce(Tensor queries, Tensor keys, float temperature = 0.07f, bool symmetric = false, bool normalize = true, Tensor? negatives = null, Tensor? weight = null,
        Reduction reduction = Reduction.Mean)
    {
        Same("infonce", queries, keys);
        if (queries.Rank != 2) { throw new ShapeException("infonce", $"queries {queries.Shape}: expected [N,d]", queries.Shape); }
        if (!(temperature > 0)) { throw new ArgumentOutOfRangeException(nameof(temperature), $"infonce: temperature {temperature} must be above 0"); }
        if (symmetric && negatives is not null) { throw new ArgumentException("infonce: further negatives have no queries of their own; leave symmetric off"); }
        if (negatives is not null)
        {
            if (negatives.Rank != 2 || negatives.Shape[1] != keys.Shape[1]) { throw new ShapeException("infonce", $"negatives {negatives.Shape} for keys {keys.Shape}: expected [M,{keys.Shape[1]}]", keys.Shape, negatives.Shape); }
            keys = Tensor.Concat([keys, negatives]);
        }
        if (normalize) { (queries, keys) = (queries / Length(queries, 1, 1e-12f).Unsqueeze(1), keys / Length(keys, 1, 1e-12f).Unsqueeze(1)); }
        var scores = queries.MatMul(keys, transB: true) / temperature;
        var own = Indices.Arange(scores.Shape[0]);
        var y = scores.CrossEntropy(own, reduction: Reduction.None);
        if (symmetric) { y = (y + scores.T.CrossEntropy(own, reduction: Reduction.None)) / 2; }
        return Reduce("infonce", y, weight, reduction);
    }

    /// <summary>Cross-entropy over the right class and a sample of others in place of all V: −ln(e^(a_y) / (e^(a_y) + Σ_s e^(a_s))), a_c = x·w_c + b_c − ln(S·Q(c)). The correction by the
    /// sampler's Q makes the expected gradient approach that of the full softmax: Jean et al. 2015, arXiv:1412.2007, §3; Bengio and Senécal 2008. <c>tf.nn.sampled_softmax_loss</c>.
    /// The table's gradient is a few rows (<see cref="Autograd.RowGradient"/>), so a step costs nothing that grows with V. Judge with the full softmax.</summary>
    /// <param name="x">What goes into the last layer [N, d].</param>
    /// <param name="weight">The last layer's weight [V, d].</param>
    /// <param name="labels">The right classes [N].</param>
    /// <param name="sampler">Where Q comes from.</param>
    /// <param name="sampled">The S classes drawn for the whole batch, as <see cref="ClassSampler.Sample"/> gives them.</param>
    /// <param name="bias">The last layer's bias [V]; none if null. Its gradient is dense.</param>
    /// <param name="removeHits">Whether a sampled class that is the row's own label is left out of that row.</param>
    /// <param name="reduction">None gives [N].</param>
    /// <exception cref="ShapeException">Shapes that do not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A class outside the table.</exception>
    public static Tensor SampledSoftmax(Tensor x, Tensor weight, Indices labels, ClassSampler sampler, Indices sampled, Tensor? bias = null, bool removeHits = true, Reduction reduction = Reduction.Mean)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(sampler);
        ArgumentNullException.ThrowIfNull(sampled);
        if (x.Rank != 2 || weight.Rank != 2 || x.Shape[1] != weight.Shape[1] || labels.Shape != [x.Shape[0]] || sampled.Rank != 1)
        {
            throw new ShapeException("sampled-softmax", $"x {x.Shape}, weight {weight.Shape}, labels {labels.Shape}, sampled {sampled.Shape}: expected [N,d], [V,d], [N] and [S]", x.Shape, weight.Shape);
        }
        if (sampler.Classes != weight.Shape[0]) { throw new ShapeException("sampled-softmax", $"a sampler of {sampler.Classes} classes for a weight {weight.Shape}", weight.Shape); }
        int n = x.Shape[0], s = sampled.Size;
        var own = (x * weight.Embedding(labels, sparse: true)).Sum(1) - sampler.LogExpected(labels, s, x.Device);
        var others = x.MatMul(weight.Embedding(sampled, sparse: true), transB: true) - sampler.LogExpected(sampled, s, x.Device);
        if (bias is not null) { (own, others) = (own + bias.IndexSelect(0, labels), others + bias.IndexSelect(0, sampled)); }
        if (removeHits)
        {
            float[] hits = new float[n * s];
            for (int i = 0; i < n; i++)
            {
                for (int j = 0; j < s; j++) { hits[(i * s) + j] = sampled.Span[j] == labels.Span[i] ? 1 : 0; }
            }
            others = others.MaskedFill(Tensor.Of([n, s], hits, x.Device), float.NegativeInfinity);
        }
        return Tensor.Concat([own.Unsqueeze(1), others], 1).CrossEntropy(Indices.Full([n], 0), reduction: reduction);
    }
}
