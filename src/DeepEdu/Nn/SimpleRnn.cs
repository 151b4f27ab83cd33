using DeepEdu.Kernels;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>The simple recurrent network over sequences (Elman 1990, doi:10.1207/s15516709cog1402_1), in one or more layers, in one or both directions:
/// x [batch, steps, inputs] → [batch, steps, directions·hidden], h = tanh(x·Wᵢᵀ + bᵢ + h₋₁·Wₕᵀ + bₕ) or max(0, ·) of that sum.
/// <para>PyTorch: <c>nn.RNN(inputs, hidden, layers, nonlinearity="tanh", batch_first=True)</c>, with its parameter names and initial values. Keras:
/// <c>SimpleRNN(hidden, return_sequences=True)</c>.</para></summary>
public sealed class SimpleRnn : RecurrentOfH
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
    /// <param name="recurrentDropout">The probability with which, while learning, a value of h is left out on its way to the next step, the same for all steps of a
    /// sequence (Gal and Ghahramani 2016, arXiv:1512.05287).</param>
    /// <param name="merge">How the two directions become one output.</param>
    /// <param name="relu">Whether h is max(0, ·) of the sum, not its tanh.</param>
    /// <param name="init">Other initial values of the input weights; biases then start at 0. Keras' default is <see cref="Init.XavierUniform"/>.</param>
    /// <param name="recurrentInit">Other initial values of the recurrent weights. Keras' default is <see cref="Init.Orthogonal"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or a probability not in [0, 1].</exception>
    /// <exception cref="ArgumentException">An option that nothing would come of: dropout between layers where there is one, a merge of one direction.</exception>
    public SimpleRnn(int inputs, int hidden, Rng rng, int layers = 1, bool bidirectional = false, bool batchFirst = true, float dropout = 0, bool bias = true, float recurrentDropout = 0,
        BidirectionalMerge merge = BidirectionalMerge.Concat, bool relu = false, Initializer? init = null, Initializer? recurrentInit = null)
        : base(new("simple-rnn", relu ? CellKind.Relu : CellKind.Tanh, inputs, hidden, layers, bidirectional, batchFirst, dropout, bias, recurrentDropout, merge, init, recurrentInit), rng)
    {
    }

    /// <summary>Takes over the weights of one layer and direction of a Keras SimpleRNN: kernel [inputs, hidden], recurrent kernel [hidden, hidden] and its one bias [hidden],
    /// which becomes bias_ih; bias_hh becomes 0.</summary>
    /// <exception cref="ShapeException">A length does not fit.</exception>
    /// <exception cref="InvalidOperationException">The layer has no biases for a bias.</exception>
    public void CopyFromKeras(ReadOnlySpan<float> kernel, ReadOnlySpan<float> recurrentKernel, ReadOnlySpan<float> bias, int layer = 0, bool reverse = false) =>
        CopyKeras(At(layer, reverse), [0], kernel, recurrentKernel, bias, default);
}
