// Lesson 1: a tensor is a block of numbers with a shape. Operations take all of them at once, and an axis of size 1 is used again and again until the shapes fit: broadcasting.
// The marks of four learners in three tests become standard scores and a ranking without a loop.
// Try: weights that favour the first test; Mean(1) and Std(1) for each learner's own ups and downs; leave keepDims out there, and read what the error says.
#:project ../../src/DeepEdu/DeepEdu.csproj
using DeepEdu.Ops;
using DeepEdu.Tensors;

string[] learners = ["Ada", "Ben", "Cleo", "Dan"];
var marks = Tensor.Of(new float[,] { { 12, 15, 9 }, { 18, 16, 14 }, { 7, 11, 8 }, { 15, 18, 13 } });
Console.WriteLine($"marks {marks.Shape}, a row a learner, a column a test:\n{marks}\n");
Console.WriteLine($"marks[1]        Ben's          {marks[1]}");
Console.WriteLine($"marks[.., ^1]   the last test  {marks[.., ^1]}\n");

Tensor mean = marks.Mean(0, keepDims: true), spread = marks.Std(0, correction: 0, keepDims: true);
var scores = (marks - mean) / spread;
Console.WriteLine($"{marks.Shape} - {mean.Shape} = {scores.Shape}: the one row of means is used for every learner; standard scores:\n{scores}\n");

var weights = Tensor.Of([3, 1], [0.2f, 0.3f, 0.5f]);
var total = scores.MatMul(weights);
Console.WriteLine($"{scores.Shape} · {weights.Shape} = {total.Shape}, best first: {string.Join(", ", total.Flatten().ArgSort(descending: true).ToArray().Select(i => learners[i]))}\n");

var ahead = total - total.T;
Console.WriteLine($"{total.Shape} - {total.T.Shape} = {ahead.Shape}: a column against a row meets everyone with everyone; who is ahead of whom, and how far:\n{ahead}\n");

// the same with loops
float worst = 0;
for (int i = 0; i < 4; i++)
{
    for (int j = 0; j < 3; j++)
    {
        float[] column = [.. Enumerable.Range(0, 4).Select(k => marks[k, j].Item())];
        float average = column.Average(), deviation = MathF.Sqrt(column.Average(m => (m - average) * (m - average)));
        worst = MathF.Max(worst, MathF.Abs(((column[i] - average) / deviation) - scores[i, j].Item()));
    }
}
bool holds = worst < 1e-6f;
Console.WriteLine($"Claim: loops give the same standard scores (largest difference {worst:g2}): {holds}");
return holds ? 0 : 1;
