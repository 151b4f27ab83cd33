using DeepEdu.Nn;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Tests.Nn;

internal static partial class LayerCatalog
{
    private static Dictionary<string, Func<Layer>> Basic() => new()
    {
        ["dense"] = () => new Dense(5, 3, s_rng),
        ["dense-3d"] = () => new Dense(5, 3, s_rng, bias: false),
        ["dense-relu"] = () => new Sequential(new Dense(5, 7, s_rng), new Relu(), new Dense(7, 2, s_rng)),
        ["embedding"] = () => new Embedding(6, 3, s_rng, padding: 2),
        ["conv1d"] = () => new Conv1d(4, 6, 3, s_rng, stride: 2, padding: 1, dilation: 2, groups: 2),
        ["conv1d-same"] = () => new Conv1d(2, 3, 4, s_rng, padding: ConvPadding.Same),
        ["conv2d"] = () => new Conv2d(3, 4, 3, s_rng),
        ["conv2d-same"] = () => new Conv2d(2, 3, 4, s_rng, padding: ConvPadding.Same, dilation: 2),
        ["conv2d-all"] = () => new Conv2d(4, 6, (3, 2), s_rng, (2, 1), (1, 2), (1, 2), groups: 2, bias: false),
        ["conv-relu-pool"] = () => new Sequential(new Conv2d(1, 4, 3, s_rng, padding: 1), new Relu(), new MaxPool2d(2), new Flatten(), new Dense(36, 3, s_rng)),
        ["max-pool"] = () => new MaxPool2d(3, 2, 1),
        ["avg-pool"] = () => new AvgPool2d(3, 2, 1),
        ["avg-pool-exclude"] = () => new AvgPool2d(2, padding: 1, countIncludePad: false),
        ["global-avg-pool"] = () => new GlobalAvgPool(),
        ["layer-norm"] = () => new LayerNorm(6),
        ["layer-norm-2d"] = () => new LayerNorm([4, 6], affine: false),
        ["batch-norm-1d"] = () => new BatchNorm(5),
        ["batch-norm-2d"] = () => new BatchNorm(3, momentum: 0.3f, eps: 1e-3f),
        ["batch-norm-eval"] = () => new BatchNorm(3),
        ["deep"] = () => new Deep(),
    };

    private sealed class Deep : Layer
    {
        private readonly Dense[] _layers = [new(5, 5, s_rng), new(5, 5, s_rng), new(5, 5, s_rng)];
        private readonly LayerNorm _norm = new(5);

        public override Tensor Forward(Tensor x)
        {
            foreach (var layer in _layers) { x += layer.Forward(x).Tanh(); }
            return _norm.Forward(x);
        }

        protected internal override void Parts(Parts p) => p.Of(_layers).Of(_norm);
    }
}
