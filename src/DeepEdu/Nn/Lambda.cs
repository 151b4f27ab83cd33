using DeepEdu.Tensors;

namespace DeepEdu.Nn;

/// <summary>Any function of a tensor as a layer: <c>new Lambda(x => x.Mean(1))</c>. Keras' <c>Lambda</c>.</summary>
/// <param name="function">The function.</param>
/// <param name="kind">What a summary prints.</param>
public sealed class Lambda(Func<Tensor, Tensor> function, string kind = nameof(Lambda)) : Layer
{
    private readonly Func<Tensor, Tensor> _function = function ?? throw new ArgumentNullException(nameof(function));

    /// <inheritdoc/>
    public override string Kind => kind;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => NullItems.Made(_function(x), "lambda", "the function must give a tensor");
}
