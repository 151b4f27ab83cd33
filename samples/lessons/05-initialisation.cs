// Lesson 5: where weights start decides whether a deep network can learn. Each layer multiplies the size of what passes through it; twenty layers multiply it twenty times.
// Three networks of 20 ReLU layers differ only in the spread of their first weights: too small, √(2/inputs) (He et al. 2015), too large.
// Try: Tanh() in place of Relu(), then Init.XavierNormal(); Depth = 5; x = x.LayerNorm([Width]) in front of each layer: does the start still matter?
#:project ../../src/DeepEdu/DeepEdu.csproj
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

const int Depth = 20, Width = 64;
(string Name, Initializer Init)[] starts = [("too small: 0.05", Init.Normal(0, 0.05f)), ("He: 0.177", Init.KaimingNormal()), ("too large: 0.6", Init.Normal(0, 0.6f))];
float[][] sizes = new float[3][];
float[] reaches = new float[3];
for (int i = 0; i < 3; i++)
{
    var rng = new Rng(5);
    Dense[] layers = [.. Enumerable.Range(0, Depth).Select(_ => new Dense(Width, Width, rng, bias: false, init: starts[i].Init))];
    var x = Tensor.Normal([256, Width], rng);
    using var tape = new Tape();
    sizes[i] = new float[Depth];
    for (int layer = 0; layer < Depth; layer++)
    {
        x = layers[layer].Forward(x).Relu();
        sizes[i][layer] = x.Square().Mean().Sqrt().Item();
    }
    reaches[i] = tape.Gradients(x.Mean())[layers[0].Weight].Square().Mean().Sqrt().Item();
}

Console.WriteLine("the size of the values behind each layer; every # is a factor of ten above 1e-12\n");
Console.WriteLine("layer  " + string.Join("", starts.Select(s => $"{s.Name,-36}")));
for (int layer = 0; layer < Depth; layer += layer == 0 ? 3 : 4)
{
    Console.WriteLine($"{layer + 1,5}  " + string.Join("", sizes.Select(s => $"{s[layer],-9:0.0e-0}{new string('#', Math.Max(0, (int)(12 + MathF.Log10(s[layer])))),-27}")));
}
Console.WriteLine($"\nsize of the gradient that reaches the first layer: {string.Join(", ", reaches.Select((g, i) => $"{starts[i].Name.Split(':')[0]} {g:0e-0}"))}");
bool holds = sizes[1][^1] is > 0.1f and < 10 && sizes[0][^1] < 1e-6f && sizes[2][^1] > 1e6f && reaches[0] < 1e-6f * reaches[1] && reaches[2] > 1e6f * reaches[1];
Console.WriteLine($"\nClaim: with √(2/inputs) values stay near 1 through {Depth} layers; else they and the gradients vanish or explode a million times: {holds}");
return holds ? 0 : 1;
