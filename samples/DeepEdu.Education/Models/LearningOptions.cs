using DeepEdu.Devices;
using DeepEdu.Education.Saved;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Optim;

namespace DeepEdu.Education.Models;

/// <summary>What every training is told.</summary>
/// <param name="Epochs">Passes over the data.</param>
/// <param name="Batch">Examples a step.</param>
/// <param name="Seed">Of the first values of the network and of the order of batches.</param>
/// <param name="LearningRate">The highest rate.</param>
internal abstract record LearningOptions(int Epochs, int Batch, ulong Seed, double LearningRate)
{
    public Device Device { get; init; } = CpuDevice.Instance;

    public KeptTraining Kept { get; init; } = KeptTraining.None;

    /// <summary>Training stops after this epoch as if it were interrupted, and can go on; null: it goes to its end.</summary>
    public int? Until { get; init; }

    /// <summary>What comes before "epoch 3/20" where a command trains several, with spaces.</summary>
    public string Phase { get; init; } = "";

    /// <summary>Private training; null if it was not asked for.</summary>
    public PrivateFold? Privacy { get; init; }

    /// <summary>The rate falls along half a cosine over all epochs of so many steps.</summary>
    public Schedule Falling(int steps) => Schedule.Cosine(LearningRate, Epochs * steps);

    /// <summary>A network where it is trained, and what draws the order of its batches.</summary>
    public (N Network, Rng Order) Start<N>(Func<Rng, N> make) where N : Module
    {
        Rng rng = new(Seed);
        N network = make(rng);
        network.To(Device);
        return (network, rng.Fork());
    }
}
