using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Nn;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;

namespace DeepEdu.Benchmarks.Workloads;

/// <summary>A small network of real life: one training step on a ready batch, and inference of one input.</summary>
internal interface IWorkload
{
    /// <summary>Samples in a training batch.</summary>
    int Batch { get; }

    /// <summary>A training step on ready batch i (of 8, in turn): forward, loss, backward, optimiser. Returns the loss.</summary>
    float Step(int i);

    /// <summary>The forward pass of one input.</summary>
    void Infer();
}

/// <summary>The training step that all workloads share; each adds its network, its loss and its batches.</summary>
/// <typeparam name="TBatch">What a batch consists of.</typeparam>
internal abstract class Workload<TBatch>(int batch) : IWorkload
{
    private TBatch[] _batches = [];
    private Optimizer? _optimizer;
    private Action? _infer;

    public int Batch => batch;

    /// <summary>Above 0: the gradients' joint norm is clipped to it.</summary>
    protected virtual float ClipNorm => 0;

    public float Step(int i)
    {
        using var tape = new Tape();
        var loss = Loss(_batches[i % _batches.Length]);
        var gradients = tape.Gradients(loss);
        if (ClipNorm > 0) { Clip.ByNorm(gradients, ClipNorm); }
        _optimizer!.Step(gradients);
        return loss.Item();
    }

    public void Infer() => (_infer ??= Prediction())();

    /// <summary>The model, moved to the device that is measured; before its optimiser is made.</summary>
    protected static M On<M>(M model) where M : Module
    {
        model.To(WorkloadList.Device);
        return model;
    }

    /// <summary>A part of a batch, likewise.</summary>
    protected static Tensor On(Tensor x) => x.To(WorkloadList.Device);

    protected abstract Tensor Loss(TBatch batch);

    /// <summary>Makes what <see cref="Infer"/> calls; see <see cref="Calls"/>.</summary>
    protected abstract Action Prediction();

    /// <summary>Calls of an inference session: each copies the inputs, computes, and reads a result.</summary>
    protected static Action Calls(Func<InferenceInputs, Tensor[]> forward, params object[] inputs)
    {
        var session = new InferenceSession(forward, WorkloadList.Weights);
        object[] values = [.. inputs.Select(i => i is Indices n ? (object)n.ToArray() : ((Tensor)i).ToArray())];
        return () =>
        {
            using var call = session.Begin();
            for (int i = 0; i < values.Length; i++)
            {
                if (values[i] is int[] numbers) { call.Set(i, numbers); } else { call.Set(i, (float[])values[i]); }
            }
            call.Run();
            _ = call.Output()[0];
        };
    }

    /// <summary>Called at the end of construction: how the parameters move, and how a batch is drawn.</summary>
    protected void Start(Optimizer optimizer, Func<TBatch> draw)
    {
        _optimizer = optimizer;
        _batches = [.. Enumerable.Range(0, WorkloadList.Batches).Select(_ => draw())];
    }
}

/// <summary>The workloads by name: the same networks, shapes and steps as <c>benchmarks/peers/torch_workloads.py</c>.</summary>
internal static class WorkloadList
{
    /// <summary>Ready batches that the steps go through in turn.</summary>
    public const int Batches = 8;

    /// <summary>Where training is measured.</summary>
    public static Device Device { get; set; } = CpuDevice.Instance;

    /// <summary>The weights that one input is measured with.</summary>
    public static WeightPrecision Weights { get; set; }

    /// <summary>Our name, what makes it, and the peer's names: every setting of PyTorch that may be its best.</summary>
    public static readonly (string Name, Func<IWorkload> Make, string[] Peers)[] All =
    [
        ("ncf_b256", () => new Ncf(256), ["ncf_b256"]),
        ("ncf_b256_sparse", () => new Ncf(256, sparse: true), ["ncf_b256_sparse"]),
        ("ncf_b2048", () => new Ncf(2048), ["ncf_b2048"]),
        ("essay_e128_h64_t200", () => new Essay(128, 64, 200), ["essay_e128_h64_t200"]),
        ("essay_e50_h300_t250", () => new Essay(50, 300, 250), ["essay_e50_h300_t250"]),
        ("essay_e128_h300_t300", () => new Essay(128, 300, 300), ["essay_e128_h300_t300"]),
        ("stacked_lstm", () => new StackedLstm(), ["stacked_lstm"]),
        ("cnn_28_b32", () => new Cnn(28, 1, 32), ["cnn_28_b32", "cnn_28_b32_nhwc"]),
        ("cnn_28_b128", () => new Cnn(28, 1, 128), ["cnn_28_b128", "cnn_28_b128_nhwc"]),
        ("cnn_32x3_b32", () => new Cnn(32, 3, 32), ["cnn_32x3_b32"]),
        ("cnn_32x3_b128", () => new Cnn(32, 3, 128), ["cnn_32x3_b128"]),
        ("multitask_b32", () => new MultiTask(32), ["multitask_b32"]),
        ("dkt_t100", () => new Dkt(100), ["dkt_t100", "dkt_t100_emb"]),
        ("charlm", () => new CharLm(), ["charlm"]),
        ("mlp", () => new Mlp(), ["mlp"]),
        ("attention", () => new Attention(), ["attention"]),
    ];

    public static (string Name, Func<IWorkload> Make, string[] Peers) Find(string name) =>
        All.FirstOrDefault(w => w.Name == name) is { Make: not null } found ? found
            : throw new ArgumentException($"workload: '{name}' is unknown; `-- list` prints the names");
}
