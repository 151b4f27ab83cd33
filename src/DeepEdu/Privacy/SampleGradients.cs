using DeepEdu.Autograd;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Privacy;

/// <summary>The gradients of single samples. Each is run by itself, so that they are exact for any model: sequences of unequal length, embeddings, attention, whatever is shared. PyTorch's
/// <c>torch.func.vmap(grad(loss))</c>, at the cost of batches of one.</summary>
public static class SampleGradients
{
    /// <summary>Hands over the gradients of one sample after another, each while its tape is open.</summary>
    /// <param name="samples">Whatever the loss takes: row numbers, tokens, records.</param>
    /// <param name="loss">The loss of one sample, one value.</param>
    /// <param name="use">Gets the sample's place and its gradients.</param>
    public static void Each<S>(IReadOnlyList<S> samples, Func<S, Tensor> loss, Action<int, Gradients> use)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(loss);
        ArgumentNullException.ThrowIfNull(use);
        for (int i = 0; i < samples.Count; i++)
        {
            using var tape = new Tape();
            use(i, tape.Gradients(NullItems.Made(loss(samples[i]), "sample-gradients", $"loss must give one value, also of sample {i}")));
        }
    }

    /// <summary>How long each sample's gradient is, √Σg² over all parameters: what a clip length is chosen by (on data that need no privacy), and which samples are unlike the others.</summary>
    /// <param name="samples">Whatever the loss takes.</param>
    /// <param name="loss">The loss of one sample, one value.</param>
    public static float[] Norms<S>(IReadOnlyList<S> samples, Func<S, Tensor> loss)
    {
        ArgumentNullException.ThrowIfNull(samples);
        float[] norms = new float[samples.Count];
        Each(samples, loss, (i, gradients) => norms[i] = Clip.Norm(gradients));
        return norms;
    }
}
