// Lesson 6: the learning rate is the first thing to set and the first to suspect. Too small crawls, too large jumps out of the valley; in between lies a factor of ten or so that works.
// The same network learns the same wave from the same start, with four rates; their losses are drawn into one picture.
// Try: Adam in place of Sgd (which rates work now?); Momentum = 0.9; sgd.LearningRate = Schedule.Cosine(0.2, Steps).At(step) in the loop; another seed.
#:project ../../src/DeepEdu/DeepEdu.csproj
using DeepEdu.Autograd;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

const int Steps = 600, Columns = 60, Rows = 16;
double[] rates = [0.001, 0.03, 0.1, 0.3];
var x = Tensor.Linspace(-1, 1, 64).Unsqueeze(1);
var y = (x * 4).Sin();
float[][] losses = [.. rates.Select(Train)];

float[] Train(double rate)
{
    var rng = new Rng(6);
    var model = new Sequential(new Dense(1, 32, rng), new Tanh(), new Dense(32, 32, rng), new Tanh(), new Dense(32, 1, rng));
    var sgd = new Sgd(model.Parameters(), new() { LearningRate = rate });
    float[] losses = new float[Steps];
    for (int step = 0; step < Steps; step++)
    {
        using var tape = new Tape();
        var loss = Losses.Mse(model.Forward(x), y);
        sgd.Step(tape.Gradients(loss));
        losses[step] = loss.Item();
    }
    return losses;
}

// a letter a rate; down by a factor of ten is four lines down, and what is above 10 is drawn at the top
char[][] picture = [.. Enumerable.Range(0, Rows).Select(_ => new string(' ', Columns).ToCharArray())];
for (int run = 0; run < rates.Length; run++)
{
    for (int column = 0; column < Columns; column++)
    {
        float loss = losses[run][column * Steps / Columns];
        int row = float.IsFinite(loss) ? Math.Clamp((int)(4 - (4 * MathF.Log10(MathF.Max(loss, 1e-9f)))), 0, Rows - 1) : 0;
        picture[row][column] = "abcd"[run];
    }
}
for (int row = 0; row < Rows; row++) { Console.WriteLine($"{(row % 4 == 0 ? $"{Math.Pow(10, 1 - (row / 4)):g}" : ""),6} |{new string(picture[row])}"); }
Console.WriteLine($"       +{new string('-', Columns)}\n        loss, {Steps} steps from left to right\n");
for (int run = 0; run < rates.Length; run++) { Console.WriteLine($"{"abcd"[run]}  rate {rates[run],-7} from {losses[run][0]:f3} to {losses[run][^1]:g3}"); }

bool holds = losses[2][^1] < 0.1f * losses[1][^1] && losses[0][^1] > 0.8f * losses[0][0] && !float.IsFinite(losses[3][^1]);
Console.WriteLine($"\nClaim: 0.1 learns ten times as well as 0.03, 0.001 has hardly started, and 0.3 ends in no number at all: {holds}");
return holds ? 0 : 1;
