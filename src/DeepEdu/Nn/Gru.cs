using DeepEdu.Kernels;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Gated recurrent units over sequences (Cho et al. 2014, arXiv:1406.1078), in one or more layers, in one or both directions: x [batch, steps, inputs] →
/// [batch, steps, directions·hidden]. The equations stand at <c>Tensor.Gru</c>.
/// <para>PyTorch: <c>nn.GRU(inputs, hidden, layers, batch_first=True)</c>, with its parameter names, gate order and initial values. Keras:
/// <c>GRU(hidden, return_sequences=True)</c>.</para>
/// <code>
/// var gru = new Gru(inputs: 128, hidden: 64, rng, bidirectional: true);
/// var (output, state) = gru.Run(x, lengths: lengths);
/// </code></summary>
public sealed class Gru : RecurrentOfH
{
    /// <summary>Layers with PyTorch's initial values: all uniform in ±1/√hidden.</summary>
    /// <param name="inputs">Size of x's last axis.</param>
    /// <param name="hidden">Units of each layer and direction.</param>
    /// <param name="rng">Where the initial values and dropout's choices come from; one child stream is taken.</param>
    /// <param name="layers">How many layers, each over the outputs of the one before.</param>
    /// <param name="bidirectional">Whether a second set of weights reads the sequence backwards.</param>
    /// <param name="batchFirst">Whether x is [batch, steps, inputs] or [steps, batch, inputs]. (PyTorch's own default is the latter.)</param>
    /// <param name="dropout">The probability with which, while learning, an output of a layer is left out before the next layer; the last layer's are not.</param>
    /// <param name="bias">Whether the biases are there.</param>
    /// <param name="recurrentDropout">The probability with which, while learning, a value of h is left out on its way into the next step's products, the same for all steps
    /// of a sequence (Gal and Ghahramani 2016, arXiv:1512.05287).</param>
    /// <param name="merge">How the two directions become one output.</param>
    /// <param name="resetBefore">Whether the reset gate acts on h before its product, as in the paper and Keras' <c>reset_after=False</c>, not on the product, as in PyTorch and
    /// Keras' default.</param>
    /// <param name="init">Other initial values of the input weights; biases then start at 0. Keras' default is <see cref="Init.XavierUniform"/>.</param>
    /// <param name="recurrentInit">Other initial values of the recurrent weights. Keras' default is <see cref="Init.Orthogonal"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or a probability not in [0, 1].</exception>
    /// <exception cref="ArgumentException">An option that nothing would come of: dropout between layers where there is one, a merge of one direction.</exception>
    public Gru(int inputs, int hidden, Rng rng, int layers = 1, bool bidirectional = false, bool batchFirst = true, float dropout = 0, bool bias = true, float recurrentDropout = 0,
        BidirectionalMerge merge = BidirectionalMerge.Concat, bool resetBefore = false, Initializer? init = null, Initializer? recurrentInit = null)
        : base(new("gru", resetBefore ? CellKind.GruResetBefore : CellKind.Gru, inputs, hidden, layers, bidirectional, batchFirst, dropout, bias, recurrentDropout, merge, init, recurrentInit), rng)
    {
    }

    /// <summary>Takes over the weights of one layer and direction of a Keras GRU: kernel [inputs, 3·hidden] and recurrent kernel [hidden, 3·hidden], the columns of z, r and
    /// h in this order. Its bias is [2, 3·hidden], of the input and of the state, with <c>reset_after=True</c>, and one [3·hidden] with <c>reset_after=False</c>, for
    /// which the layer must be built with resetBefore.</summary>
    /// <exception cref="ShapeException">A length does not fit.</exception>
    /// <exception cref="InvalidOperationException">The layer has no biases for a bias.</exception>
    public void CopyFromKeras(ReadOnlySpan<float> kernel, ReadOnlySpan<float> recurrentKernel, ReadOnlySpan<float> bias, int layer = 0, bool reverse = false)
    {
        int half = Cell == CellKind.Gru && bias.Length > 0 ? Math.Min(3 * Hidden, bias.Length) : bias.Length;
        if (Cell == CellKind.Gru && bias.Length > 0 && bias.Length != 6 * Hidden)
        {
            throw new ShapeException(Op, $"the bias has {bias.Length} values, but [2,{3 * Hidden}] are needed{(bias.Length == 3 * Hidden ? "; was it trained with reset_after=False? Build the layer with resetBefore: true" : "")}");
        }
        CopyKeras(At(layer, reverse), [1, 0, 2], kernel, recurrentKernel, bias[..half], bias[half..]);
    }
}
