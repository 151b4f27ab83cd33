// Lesson 10: attention lets every place of an output ask every place of an input, and shows whom it listened to.
// Words of eight letters are to be written backwards. Each place of the output asks by its number alone; the heat map shows that it has learned to look at the mirrored place.
// Try: shift by one, word[(i + 1) % Length], or sort the letters; heads: 2; no positions at the keys (why can it not work then?).
#:project ../../src/DeepEdu/DeepEdu.csproj
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

const int Length = 8;
Rng rng = new(1), draw = new(2);
var model = new Reverser(rng);
var adam = new Adam(model.Parameters(), new() { LearningRate = 0.01 });
Indices some = Indices.Of([1, Length], [.. "learning".Select(c => c - 'a')]);
string before = Map();
for (int step = 0; step <= 60; step++)
{
    var words = Indices.Uniform([32, Length], draw, 0, 26);
    using var tape = new Tape();
    var loss = model.Forward(words).Letters.Reshape(32 * Length, 26).CrossEntropy(Backwards(words).Flatten());
    adam.Step(tape.Gradients(loss));
    if (step % 10 == 0) { Console.WriteLine($"step {step,2}  loss {loss.Item():f4}"); }
}
Console.WriteLine($"\nwhom each letter of the output listened to, from . (not at all) to @ (to nobody else)\n\n{before}\n{Map()}");

var test = Indices.Uniform([500, Length], draw, 0, 26);
float right = model.Forward(test).Letters.ArgMax(-1).Equal(Backwards(test)).Mean().Item();
bool mirrored = Enumerable.Range(0, Length).All(i => model.Forward(some).Weights[0, i].ArgMax().Span[0] == Length - 1 - i);
bool holds = right > 0.99f && mirrored;
Console.WriteLine($"\nClaim: {right:p1} of letters never seen in this order are right, and every place looks at the mirrored one: {holds}");
return holds ? 0 : 1;

Indices Backwards(Indices words) => Indices.Stack([.. Enumerable.Range(0, Length).Select(i => words[.., Length - 1 - i])], 1);

string Map()
{
    string Text(Indices letters) => string.Concat(letters.ToArray().Select(l => (char)('a' + l)));
    var (letters, weights) = model.Forward(some);
    string written = Text(letters.ArgMax(-1));
    var rows = Enumerable.Range(0, Length).Select(i => $"  {written[i]}  {string.Join(' ', weights[0, i].ToArray().Select(w => ".:-=+*#%@"[(int)(8.99f * w)]))}\n");
    return $"{Text(some)} -> {written}\n\n     {string.Join(' ', Text(some).ToCharArray())}\n{string.Concat(rows)}";
}

sealed class Reverser(Rng rng) : Module
{
    private readonly Embedding _letters = new(26, 32, rng), _asking = new(8, 32, rng), _places = new(8, 32, rng);
    private readonly MultiHeadAttention _attention = new(32, heads: 1, rng);
    private readonly Dense _output = new(32, 26, rng);

    public (Tensor Letters, Tensor Weights) Forward(Indices words)
    {
        var places = Indices.Arange(8).Unsqueeze(0);
        Tensor values = _letters.Forward(words), keys = values + _places.Forward(places), queries = _asking.Forward(places).Repeat(words.Shape[0], 1, 1);
        var (heard, weights) = _attention.ForwardWithWeights(queries, keys, values);
        return (_output.Forward(heard), weights);
    }

    protected override void Parts(Parts p) => p.Of(_letters).Of(_asking).Of(_places).Of(_attention).Of(_output);
}
