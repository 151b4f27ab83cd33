using System.Diagnostics.CodeAnalysis;
using DeepEdu.Autograd;
using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Privacy;

/// <summary>Gradients from which no single sample can be told: each sample's is cut to length C over all parameters, noise of deviation σC is added to every value of their sum, and the sum is divided by
/// the size that batches have on average: Abadi et al. 2016, arXiv:1607.00133, algorithm 1 (DP-SGD). Any optimiser steps along them. Steps are counted; <see cref="Epsilon"/> says what they cost. Opacus'
/// <c>PrivacyEngine.make_private</c>.
/// <code>
/// var secret = Rng.Secret();
/// var batches = new PoissonBatches(count: 4000, size: 200, secret);
/// var privacy = PrivateGradients.WithEpsilon(model, batches, epsilon: 8, delta: 1e-5, clipNorm: 1, epochs: 10, secret);
/// for (int epoch = 0; epoch &lt; 10; epoch++)
/// {
///     foreach (int[] batch in batches.Epoch(epoch)) { privacy.Step(optimizer, batch, row => Loss(row)); }
/// }
/// </code>
/// With a <c>Trainer</c> it goes into <c>TrainerOptions.Privacy</c>. Every sample is run by itself: that is exact for any model, and takes as long as so many batches of one. A layer that learns from the
/// batch as a whole, such as an unfrozen <see cref="BatchNorm"/>, is refused by its name.
/// <para>A sample is whatever the loss takes for one: if it is all that one person gave, the person is protected; if it is one of a person's many answers, that answer is.</para></summary>
public sealed class PrivateGradients : IStateful
{
    private const double Guard = 1e-5; // a length is summed in float32, and shall not be above C for that

    private readonly (string Name, Parameter Value)[] _parameters;
    private readonly Dictionary<Tensor, Tensor> _sums = new(ReferenceEqualityComparer.Instance);
    private readonly PrivacyOptions _options;
    private (string Name, float[] Values)[]? _buffers;
    private Rng _rng;
    private bool _looked;
    private double _noise;

    /// <summary>Private gradients of a model.</summary>
    /// <param name="model">What learns: all of it, so that no parameter is without noise. Parts that stand apart, such as a head of their own, belong into one module with the rest.</param>
    /// <param name="batches">Whose batches are stepped along. Their rate and size are what is counted and divided by.</param>
    /// <param name="options">Clip length, noise, δ.</param>
    /// <param name="rng">Where noise comes from. One child stream is taken. Whoever knows the seed can take the noise off again: <see cref="Rng.Secret"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The clip length is not positive, the noise negative, or δ not between 0 and 1.</exception>
    /// <exception cref="ArgumentException">The model has a layer in which samples meet, or nothing to learn.</exception>
    public PrivateGradients(Module model, PoissonBatches batches, PrivacyOptions options, Rng rng)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batches);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(rng);
        if (!(options.ClipNorm > 0 && options.ClipNorm < float.PositiveInfinity)) { throw new ArgumentOutOfRangeException(nameof(options), $"private-gradients: the clip length {options.ClipNorm} must be a number above 0"); }
        PrivacyAccountant.CheckDelta(options.Delta);
        if (model.FirstThatMixes() is var (path, layer)) { throw new ArgumentException($"private-gradients: samples meet in {Named(path, layer)}: {layer.Mixes}", nameof(model)); }
        (Model, Batches, _options, _parameters) = (model, batches, options, [.. model.Parameters()]);
        if (!_parameters.Any(p => p.Value.Trainable)) { throw new ArgumentException($"private-gradients: the {model.Kind} has no parameter to learn; Unfreeze() it?", nameof(model)); }
        (Noise, _rng) = (options.Noise, rng.Fork());
    }

    /// <summary>Private gradients with the least noise that keeps a training of so many epochs to (ε, δ). Opacus' <c>make_private_with_epsilon</c>.</summary>
    /// <param name="model">What learns.</param>
    /// <param name="batches">Whose batches are stepped along.</param>
    /// <param name="epsilon">ε at the end of the last epoch.</param>
    /// <param name="delta">δ, well below one by the number of samples.</param>
    /// <param name="clipNorm">C: the longest that the gradient of one sample may be.</param>
    /// <param name="epochs">How many epochs there shall be.</param>
    /// <param name="rng">Where noise comes from.</param>
    public static PrivateGradients WithEpsilon(Module model, PoissonBatches batches, double epsilon, double delta, float clipNorm, int epochs, Rng rng)
    {
        ArgumentNullException.ThrowIfNull(batches);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(epochs);
        return new(model, batches, new() { ClipNorm = clipNorm, Delta = delta, Noise = PrivacyAccountant.NoiseFor(epsilon, delta, batches.Rate, (long)epochs * batches.Count) }, rng);
    }

    /// <summary>What learns.</summary>
    public Module Model { get; }

    /// <summary>Whose batches are stepped along.</summary>
    public PoissonBatches Batches { get; }

    /// <summary>C.</summary>
    public float ClipNorm => _options.ClipNorm;

    /// <summary>δ.</summary>
    public double Delta => _options.Delta;

    /// <summary>σ. May be set between steps; each is counted with its own.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, infinite or NaN.</exception>
    public double Noise
    {
        get => _noise;
        set
        {
            SubsampledGaussian.Check(value, 1);
            _noise = value;
        }
    }

    /// <summary>What was counted.</summary>
    public PrivacyAccountant Accountant { get; } = new();

    /// <summary>ε of all steps so far, at δ.</summary>
    public double Epsilon => Accountant.Epsilon(Delta);

    /// <summary>One private step along a batch. Without a sample it is a step along noise, which must be taken too: that a batch is empty tells something.</summary>
    /// <param name="optimizer">What steps.</param>
    /// <param name="samples">A batch of <see cref="Batches"/>, or what belongs to its rows.</param>
    /// <param name="loss">The loss of one sample, one value.</param>
    /// <returns>The mean loss; NaN without a sample. It is not private.</returns>
    /// <exception cref="InvalidOperationException">A gradient is not finite, or belongs to a parameter that the model does not name; or a buffer of the model was changed. Nothing is stepped then.</exception>
    public double Step<S>(Optimizer optimizer, IReadOnlyList<S> samples, Func<S, Tensor> loss)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentNullException.ThrowIfNull(loss);
        Begin();
        double sum = 0;
        foreach (var sample in samples)
        {
            using var tape = new Tape();
            var value = NullItems.Made(loss(sample), "private-gradients", "loss must give one value");
            sum += value.Item();
            Add(tape.Gradients(value));
        }
        Step(optimizer);
        return sum / samples.Count;
    }

    /// <summary>Sums of 0.</summary>
    internal void Begin()
    {
        if (!_looked) { _buffers ??= [.. Model.Buffers().Select(b => (b.Name, b.Value.ToArray()))]; }
        foreach (var (_, value) in _parameters)
        {
            if (!value.Trainable) { continue; }
            if (!_sums.TryGetValue(value, out var sum)) { _sums[value] = sum = Tensor.Persistent(value.Shape, value.Device); }
            sum.Device.Fill(sum.View, 0);
        }
    }

    /// <summary>Takes in one sample's gradients, cut to length C, while its tape is open.</summary>
    internal void Add(Gradients gradients)
    {
        double length = Clip.Norm(gradients), most = ClipNorm / (1 + Guard);
        if (!double.IsFinite(length)) { throw new InvalidOperationException($"private-gradients: a sample's gradient has length {length}; one sample would spoil all parameters. Is there a division by 0, a logarithm of 0, or a learning rate too high?"); }
        float scale = length > most ? (float)(most / length) : 1;
        foreach (var leaf in gradients.Leaves)
        {
            if (!_sums.TryGetValue(leaf, out var sum))
            {
                if (leaf is not Parameter) { continue; }
                ThrowForgotten(leaf);
            }
            if (gradients.FindRows(leaf) is { } rows)
            {
                var scaled = Clip.Map(rows.Values, new Clip.Scale(scale));
                sum.Device.Launch(new RowGradient.AddKernel(scaled.View, rows.Rows, sum.View, leaf.Shape[1]));
            }
            else { GradientSum.AddTo(sum, gradients[leaf], scale); }
        }
    }

    /// <summary>Adds noise, divides, counts, and steps.</summary>
    internal void Step(Optimizer optimizer, Action<Gradients>? bound = null)
    {
        if (!_looked) { ThrowIfKept(); }
        using var tape = new Tape();
        var gradients = new Gradients(tape, 0);
        foreach (var (_, value) in _parameters)
        {
            if (!value.Trainable || !_sums.TryGetValue(value, out var sum)) { continue; }
            AddNoise(sum);
            sum.Device.Map(new Clip.Scale(1f / Batches.Size), sum.View, sum.View);
            gradients.Replace(value, sum);
        }
        Accountant.Add(Noise, Batches.Rate);
        bound?.Invoke(gradients);
        optimizer.Step(gradients);
    }

    /// <summary>Puts the noise's σ and key, where it stands, the key of the batches, and what was counted. Who has it can take the noise off: it is as secret as the data.</summary>
    public void SaveState(StateDict to)
    {
        ArgumentNullException.ThrowIfNull(to);
        to.Set("noise", Noise).Set("clip_norm", (double)ClipNorm).Set("key", _rng).Set("batches", Batches).Set("accountant", Accountant);
    }

    /// <summary>Takes over all of it, keys too, so that training goes on to the same bits and the same ε.</summary>
    /// <exception cref="InvalidDataException">Something is missing, or it is of another clip length or other batches.</exception>
    public void LoadState(StateDict from)
    {
        ArgumentNullException.ThrowIfNull(from);
        if (from.Double("clip_norm") != ClipNorm) { throw new InvalidDataException($"private-gradients: the state is of clip length {from.Double("clip_norm")}, here it is {ClipNorm}"); }
        long[] key = from.Longs("key");
        if (key.Length != 4) { throw new InvalidDataException($"private-gradients: the key is four numbers, not {key.Length}"); }
        from.CopyTo("batches", Batches);
        from.CopyTo("accountant", Accountant);
        Noise = from.Double("noise");
        _rng = new((ulong)key[0], (ulong)key[1]) { Position = (ulong)key[2], Forks = (ulong)key[3] };
    }

    // ½ of the sum of four normals: one alone, of two numbers of 24 bits, ends at 5.77 deviations and takes few values far out; Holohan and Braghin 2021, arXiv:2107.10138, §5
    private void AddNoise(Tensor sum)
    {
        float deviation = (float)(Noise * ClipNorm / 2);
        if (deviation == 0) { return; }
        var noise = Tensor.Empty(sum.Shape, sum.Device);
        for (int i = 0; i < 4; i++)
        {
            sum.Device.Launch(new Noises.NormalKernel(noise.View, 0, deviation, _rng.Seed, _rng.Stream, _rng.Reserve(sum.Size)));
            GradientSum.AddTo(sum, noise, 1);
        }
    }

    // what a layer of one's own keeps of the samples
    private void ThrowIfKept()
    {
        foreach (var ((name, before), (_, now)) in _buffers!.Zip(Model.Buffers()))
        {
            if (!now.ToArray().AsSpan().SequenceEqual(before))
            {
                throw new InvalidOperationException($"private-gradients: the buffer \"{name}\" was changed by the samples of a batch, and noise protects the gradients only; take the statistics out, or freeze the layer");
            }
        }
        (_looked, _buffers) = (true, null);
    }

    [DoesNotReturn]
    private void ThrowForgotten(Tensor leaf) => throw new InvalidOperationException(
        $"private-gradients: the loss depends on a parameter {leaf.Shape} that is not among the {_parameters.Length} of the {Model.Kind}, so it would learn without noise; does Parts() name every field? Put what stands apart into one module with the rest");

    private static string Named(string path, Module layer) => path.Length > 0 ? $"\"{path}\", a {layer.Kind}" : $"the {layer.Kind}";
}
