using DeepEdu.Nn;

namespace DeepEdu.Tests.Nn;

internal static partial class LayerCatalog
{
    private static Dictionary<string, Func<Layer>> Activations() => new()
    {
        ["relu"] = () => new Relu(),
        ["tanh"] = () => new Tanh(),
        ["sigmoid"] = () => new Sigmoid(),
        ["silu"] = () => new Silu(),
        ["mish"] = () => new Mish(),
        ["selu"] = () => new Selu(),
        ["log-sigmoid"] = () => new LogSigmoid(),
        ["hard-sigmoid"] = () => new HardSigmoid(),
        ["hard-tanh"] = () => new HardTanh(),
        ["hard-swish"] = () => new HardSwish(),
        ["relu6"] = () => new Relu6(),
        ["celu"] = () => new Celu(0.5f),
        ["glu"] = () => new Glu(),
        ["softsign"] = () => new Softsign(),
        ["gelu"] = () => new Gelu(),
        ["gelu-tanh"] = () => new Gelu(approximate: true),
        ["leaky-relu"] = () => new LeakyRelu(0.2f),
        ["elu"] = () => new Elu(0.7f),
        ["softplus"] = () => new Softplus(2, 3),
        ["softmax"] = () => new Softmax(),
        ["softmax-axis"] = () => new Softmax(1),
        ["log-softmax"] = () => new LogSoftmax(),
        ["log-softmax-axis"] = () => new LogSoftmax(0),
        ["flatten"] = () => new Flatten(),
        ["flatten-from"] = () => new Flatten(0, 1),
    };
}
