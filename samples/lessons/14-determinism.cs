// Lesson 14: an experiment that cannot be repeated proves nothing. The same seed gives the same bits on any number of threads, and a training taken up from a file ends as if it had never stopped.
// Everything that counts is compared by a fingerprint of the weights' bytes: one bit that differs, and it is another.
// Try: DateTime.Now.Ticks as seed; leave the optimiser or the dropout's stream out of the file (model.SaveWeights): how far apart do the two trainings end?
#:project ../../src/DeepEdu/DeepEdu.csproj
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Io;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

string path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "halfway.ckpt");
int threads = DeepEduOptions.MaxThreads;

string one = Train(seed: 1, threads: 1, 0, 100), two = Train(seed: 1, threads: 2, 0, 100), other = Train(seed: 2, threads: 1, 0, 100);
Train(seed: 1, threads: 2, 0, 50, save: true);
string resumed = Train(seed: 1, threads: 1, 50, 100);      // a new model, whose weights, dropout and optimiser come from the file
DeepEduOptions.MaxThreads = threads;
Console.WriteLine($"seed 1, 1 thread                        {one}\nseed 1, 2 threads                       {two}\nseed 2                                  {other}\nseed 1, halfway into a file, and on     {resumed}");

var model = Model(new Rng(5));
string weights = Path.ChangeExtension(path, ".safetensors");
model.SaveWeights(weights);
var same = Model(new Rng(6));
var x = Tensor.Normal([1, 16], new Rng(7));
float before = same.Forward(x)[0, 0].Item();
same.LoadWeights(weights);
Console.WriteLine($"\na model's answer {model.Forward(x)[0, 0].Item()}; another's {before}, and with the first one's weights from a file of {new FileInfo(weights).Length} bytes {same.Forward(x)[0, 0].Item()}");
Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
bool holds = one == two && one == resumed && one != other && same.Forward(x).ToArray().SequenceEqual(model.Forward(x).ToArray());
Console.WriteLine($"\nClaim: same seed, same bits, on 1 thread and 2, interrupted or not; another seed gives others: {holds}");
return holds ? 0 : 1;

Sequential Model(Rng rng) => new(new Dense(16, 256, rng), new Relu(), new Dropout(0.2f, rng), new Dense(256, 4, rng));

string Train(ulong seed, int threads, int from, int to, bool save = false)
{
    DeepEduOptions.MaxThreads = threads;
    var model = Model(new Rng(seed));
    var adam = new Adam(model.Parameters());
    if (from > 0)
    {
        var file = CheckpointFile.Load(path);
        file.Restore("model", model);
        file.Restore("adam", adam);
    }
    for (int step = from; step < to; step++)
    {
        var batch = new Rng(3).Split((ulong)step); // step's numbers are a function of its number: nothing to remember
        var rows = Tensor.Normal([512, 16], batch);
        using var tape = new Tape();
        adam.Step(tape.Gradients(model.Forward(rows).CrossEntropy(Indices.Uniform([512], batch, 0, 4))));
    }
    if (save) { CheckpointFile.Save(path, new(), ("model", model), ("adam", adam)); }
    byte[] bytes = [.. model.Parameters().SelectMany(p => MemoryMarshal.AsBytes(p.Value.AsSpan()).ToArray())];
    return Convert.ToHexString(SHA256.HashData(bytes))[..16];
}
