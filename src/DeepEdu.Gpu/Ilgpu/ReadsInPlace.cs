using System.Reflection;
using ILGPU.Backends;
using ILGPU.IR.Transformations;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace DeepEdu.Gpu;

/// <summary>Keeps ILGPU's compiler from moving reads of memory. At the level of optimisation that is used here it puts a value close to where it is used, and looks at every memory operation on the
/// way but the last of the block: a read can come to stand behind the barrier that follows it, or behind a store to the same place.</summary>
internal static class ReadsInPlace
{
    private static readonly PropertyInfo s_transformers = typeof(Backend).GetProperty("KernelTransformers", BindingFlags.Instance | BindingFlags.NonPublic)
        ?? throw new MissingMemberException(nameof(Backend), "KernelTransformers");

    private static readonly FieldInfo s_mode = typeof(CodePlacement).GetField("<Mode>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic)
        ?? throw new MissingFieldException(nameof(CodePlacement), nameof(CodePlacement.Mode));

    /// <summary>For everything that an accelerator will compile.</summary>
    public static void Of(Accelerator accelerator)
    {
        if (accelerator is CudaAccelerator cuda) { Of(cuda.Backend); }
        if (accelerator is CLAccelerator cl) { Of(cl.Backend); }
    }

    /// <summary>For everything that a compiler will compile.</summary>
    public static void Of(Backend backend)
    {
        foreach (var transformer in (IEnumerable<Transformer>)s_transformers.GetValue(backend)!)
        {
            foreach (var placement in transformer.Transformations.OfType<CodePlacement>()) { s_mode.SetValue(placement, CodePlacementMode.Default); }
        }
    }
}
