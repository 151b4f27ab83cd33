using DeepEdu.Autograd;
using DeepEdu.Data;
using DeepEdu.Io;
using DeepEdu.Metrics;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using DeepEdu.Training;

namespace DeepEdu.Tests.Io;

/// <summary>What cannot be loaded whole is not loaded at all, and a file's name promises the format that is in it.</summary>
public sealed class AllOrNothingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // the disk fails at every place of the numbers in turn
    [Fact]
    public void AReadErrorInTheMiddleOfAFileChangesNoWeight()
    {
        var saved = CheckpointTests.Model(1);
        saved.SaveWeights(_folder["w.safetensors"]);
        byte[] bytes = File.ReadAllBytes(_folder["w.safetensors"]);
        var model = CheckpointTests.Model(2);
        float[][] before = Values(model);
        int failed = 0;
        for (int good = 0; good <= bytes.Length; good += 4)
        {
            using var disk = new FailingDisk(bytes, good);
            try
            {
                using var file = SafeTensors.Open(disk, bytes.Length);
                model.LoadWeights(file, strict: true);
            }
            catch (IOException e) when (e.Message == "input/output error") { failed++; }
            Assert.Equal(good == bytes.Length ? Values(saved) : before, Values(model));
        }
        Assert.Equal(bytes.Length / 4, failed);
    }

    [Theory]
    [InlineData("w.safetensors")]
    [InlineData("w.pt")]
    [InlineData("w.ckpt")]
    public void ATruncatedFileChangesNothing(string name)
    {
        var saved = CheckpointTests.Model(1);
        if (name == "w.ckpt") { saved.Save(_folder[name]); }
        else { saved.SaveWeights(_folder[name]); }
        byte[] bytes = File.ReadAllBytes(_folder[name]);
        var model = CheckpointTests.Model(2);
        float[][] before = Values(model);
        for (int length = 0; length < bytes.Length; length += 7)
        {
            File.WriteAllBytes(_folder[name], bytes[..length]);
            string says = Assert.Throws<InvalidDataException>(() => name == "w.ckpt" ? model.Load(_folder[name]) : model.LoadWeights(_folder[name])).Message;
            Assert.Contains(name, says, StringComparison.Ordinal);
            Assert.Equal(before, Values(model));
        }
    }

    [Fact]
    public void ATensorWhoseMemoryWentBackChangesNothing()
    {
        var model = new Sequential(new Dense(2, 2, new Rng(1)), new Dense(2, 2, new Rng(2)));
        float[][] before = Values(model);
        var state = new StateDict();
        foreach (var (name, value) in model.Parameters().Take(3)) { state.Set(name, Tensor.Zeros(value.Shape)); }
        using (new Tape()) { state.Set("1.bias", Tensor.Zeros([2]) + 1); }
        Assert.Throws<ObjectDisposedException>(() => model.LoadWeights(state));
        Assert.Equal(before, Values(model));
    }

    // the model's part fits and is taken over first, then the optimiser's does not
    [Fact]
    public void ATrainingThatDoesNotFitIsAsItWasBefore()
    {
        var (first, _) = Trained(m => new Sgd(m.Parameters(), new() { LearningRate = 0.1, Momentum = 0.9 }), 1);
        CheckpointFile.Save(_folder["a.ckpt"], new(), ("training", first));
        var (other, model) = Trained(m => new Adam(m.Parameters()), 1);
        float[][] before = Values(model);
        var state = StateDict.CopyOf(other);
        string says = Assert.Throws<InvalidDataException>(() => CheckpointFile.Load(_folder["a.ckpt"]).Restore("training", other)).Message;
        Assert.Contains("the part \"training\" does not fit", says, StringComparison.Ordinal);
        Assert.Contains("was it saved by another kind of optimiser?", says, StringComparison.Ordinal);
        Assert.Equal(before, Values(model));
        CheckpointFile.Save(_folder["before.ckpt"], new(), ("training", state));
        CheckpointFile.Save(_folder["after.ckpt"], new(), ("training", other));
        Assert.Equal(File.ReadAllBytes(_folder["before.ckpt"]), File.ReadAllBytes(_folder["after.ckpt"]));
    }

    // what the file has beside the weights is noticed once they are loaded
    [Fact]
    public void ALeftoverChangesNothing()
    {
        var rng = new Rng(1);
        new Sequential(new Dense(2, 2, rng), new Dropout(0.5f, rng)).Save(_folder["a.ckpt"]);
        var model = new Sequential(new Dense(2, 2, new Rng(2)), new Relu());
        float[][] before = Values(model);
        Assert.Contains("holds what the Sequential does not know: 1.", Assert.Throws<InvalidDataException>(() => CheckpointFile.Load(_folder["a.ckpt"]).Restore("model", model)).Message, StringComparison.Ordinal);
        Assert.Equal(before, Values(model));
    }

    [Fact]
    public void AModelOfAnotherSeedTakesTheWeightsOfATraining()
    {
        var (run, model) = Trained(m => new Adam(m.Parameters()), 1);
        CheckpointFile.Save(_folder["best.ckpt"], new(), ("training", run));
        var rng = new Rng(99);
        var other = new Sequential(new Dense(3, 4, rng), new Dropout(0.25f, rng), new Dense(4, 2, rng));
        Checkpoints.LoadModel(_folder["best.ckpt"], other);
        Assert.Equal(Values(model), Values(other));
    }

    // torch.nn.DataParallel puts "module." before every name: not strict, an untrained model would be the silent result
    [Fact]
    public void WeightsOfWhichNothingFitsAreAnErrorThoughNotStrict()
    {
        var state = new StateDict().Set("module.weight", Tensor.Ones([2, 2])).Set("module.bias", Tensor.Ones([2]));
        string says = Assert.Throws<InvalidDataException>(() => new Dense(2, 2, new Rng(1)).LoadWeights(state, strict: false)).Message;
        Assert.Contains("nothing of the saved weights fits the Dense", says, StringComparison.Ordinal);
        Assert.Contains("Part(\"module\")", says, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("m.h5")]
    [InlineData("m.keras")]
    [InlineData("m.ONNX")]
    [InlineData("m.npz")]
    public void NamesOfOtherFormatsAreRefused(string name)
    {
        var model = new Dense(1, 1, new Rng(1));
        Assert.Contains("call it", Assert.Throws<ArgumentException>(() => model.SaveWeights(_folder[name])).Message, StringComparison.Ordinal);
        Assert.Contains("m.ckpt", Assert.Throws<ArgumentException>(() => model.Save(_folder[name])).Message, StringComparison.Ordinal);
        Assert.Empty(_folder.Files);
    }

    [Theory]
    [InlineData("m.pt")]
    [InlineData("m.safetensors")]
    public void ACheckpointIsNotCalledAsWeightsAre(string name)
        => Assert.Contains("SaveWeights(\"model.pt\")", Assert.Throws<ArgumentException>(() => new Dense(1, 1, new Rng(1)).Save(_folder[name])).Message, StringComparison.Ordinal);

    [Fact]
    public void TensorsAreNotCalledAsTheOtherFormatIs()
    {
        Assert.Contains("m.pt", Assert.Throws<ArgumentException>(() => SafeTensors.Write(_folder["m.pt"], [("a", Tensor.Of(1))])).Message, StringComparison.Ordinal);
        Assert.Contains("SafeTensors.Write", Assert.Throws<ArgumentException>(() => TorchFile.Write(_folder["m.safetensors"], [("a", Tensor.Of(1))])).Message, StringComparison.Ordinal);
        Assert.Empty(_folder.Files);
    }

    [Fact]
    public void WeightsAreNotCalledAsACheckpointIs()
        => Assert.Contains("written with Save", Assert.Throws<ArgumentException>(() => new Dense(1, 1, new Rng(1)).SaveWeights(_folder["m.ckpt"])).Message, StringComparison.Ordinal);

    [Fact]
    public void AMatrixWhereAScalarIsWantedIsReported()
    {
        var state = new StateDict().Set("weight", Tensor.Ones([2, 2])).Set("bias", Tensor.Ones([2, 3]));
        Assert.Contains("bias [2,3] in the file, [2] in the model", Assert.Throws<InvalidDataException>(() => new Dense(2, 2, new Rng(1)).LoadWeights(state)).Message, StringComparison.Ordinal);
        state = new StateDict().Set("scale", Tensor.Ones([2, 2]));
        Assert.Contains("scale [2,2] in the file, [] in the model", Assert.Throws<InvalidDataException>(() => new Scaled().LoadWeights(state)).Message, StringComparison.Ordinal);
    }

    private sealed class Scaled : Module
    {
        private readonly Parameter _scale = new([], [1f]);

        protected internal override void Parts(Parts p) => p.Of(_scale);
    }

    private static (TrainingRun, Module) Trained(Func<Module, Optimizer> optimizer, ulong seed)
    {
        var rng = new Rng(seed);
        var model = new Sequential(new Dense(3, 4, rng), new Dropout(0.25f, rng), new Dense(4, 2, rng));
        var x = Tensor.Normal([8, 3], rng);
        var accuracy = new Accuracy();
        var trainer = new Trainer(model, optimizer(model), rows =>
        {
            var logits = model.Forward(x.IndexSelect(0, rows));
            accuracy.Add(logits, new int[rows.Length]);
            return logits.CrossEntropy(new int[rows.Length]);
        }, new() { Metrics = [new("accuracy", accuracy)] });
        trainer.Fit(new Batches(8, 4, rng), 2);
        return (trainer.Run, model);
    }

    private static float[][] Values(Module model) => [.. model.Parameters().Select(p => p.Value.ToArray()), .. model.Buffers().Select(b => b.Value.ToArray())];

    private sealed class FailingDisk(byte[] bytes, int good) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => Position + count > good ? throw new IOException("input/output error") : base.Read(buffer, offset, count);
    }
}
